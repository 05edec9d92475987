"""Requests below the SDK: signed with botocore's signer, sent with http.client, so that every byte can be chosen."""

import datetime
import http.client
import json
import urllib.parse
from unittest import mock

import botocore.auth
import botocore.awsrequest
import botocore.credentials

JSON = "application/x-amz-json-1.1"


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """(code, text) of a JSON error."""
        members = self.json
        return members["__type"].split("#")[-1], members.get("message", members.get("Message"))


class UnsignedNames(botocore.auth.SigV4Auth):
    """Leaves some headers out of the signature."""

    leave_out = ()

    def headers_to_sign(self, request):
        headers = super().headers_to_sign(request)
        for name in self.leave_out:
            del headers[name]
        return headers


def sign(
    url,
    operation,
    body=b"{}",
    *,
    access_key="test",
    secret="test",
    region="us-east-1",
    service="kms",
    skew_s=0,
    leave_out=(),
    more=None,
    content_type=JSON,
    token=None,
):
    """The headers of a signed request."""
    headers = {"Content-Type": content_type, "X-Amz-Target": f"TrentService.{operation}", **(more or {})}
    request = botocore.awsrequest.AWSRequest("POST", url + "/", headers=headers, data=body)
    signer = UnsignedNames(botocore.credentials.Credentials(access_key, secret, token), service, region)
    signer.leave_out = leave_out
    moment = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + datetime.timedelta(seconds=skew_s)
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_: moment):
        signer.add_auth(request)
    return dict(request.headers.items())


def send(url, headers, body=b"{}", method="POST", path="/"):
    """Sends exactly these headers (and Content-Length, Host)."""
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    try:
        pairs = headers.items() if isinstance(headers, dict) else headers
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in pairs:
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        return Reply(connection.getresponse())
    finally:
        connection.close()


def call(url, operation, body=b"{}", **how):
    """Signs and sends; `body` may be a dictionary."""
    raw = json.dumps(body).encode() if isinstance(body, dict) else body
    return send(url, sign(url, operation, raw, **how), raw)
