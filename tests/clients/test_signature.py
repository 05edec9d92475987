"""Who is let in: signatures below the SDK, refusals with AWS's names and texts, and other signers than botocore."""

import json
import re
import subprocess

import pytest

import wire

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)
UNKNOWN = "The security token included in the request is invalid."
INVALID = "InvalidSignatureException"
BODY = b'{"Limit": 1}'


def refusal(reply):
    assert reply.status == 400, reply.body
    assert reply.headers["content-type"] == "application/x-amz-json-1.1"
    return reply.error


def test_a_good_signature_is_let_in(server):
    assert wire.call(server.url, "ListKeys", BODY).status == 200


@pytest.mark.parametrize(
    "how, code, text",
    [
        ({"secret": "tost"}, INVALID, MISMATCH),
        ({"secret": ""}, INVALID, MISMATCH),
        ({"access_key": "AKIDUNKNOWNUNKNOWN00"}, "UnrecognizedClientException", UNKNOWN),
        ({"access_key": "12345"}, "UnrecognizedClientException", UNKNOWN),
        ({"token": "not-one-of-ours"}, "UnrecognizedClientException", UNKNOWN),
        ({"service": "s3"}, INVALID, "Credential should be scoped to correct service: 'kms'. "),
        (
            {"leave_out": ("x-amz-target",)},
            INVALID,
            "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.",
        ),
        ({"leave_out": ("x-amz-date",)}, INVALID, "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization."),
        (
            {"leave_out": ("host",)},
            INVALID,
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ),
    ],
)
def test_strangers_are_refused(server, how, code, text):
    assert refusal(wire.call(server.url, "ListKeys", BODY, **how)) == (code, text)


def test_an_unknown_region_in_the_scope_is_refused(server):
    code, text = refusal(wire.call(server.url, "ListKeys", BODY, region="Mars!"))
    assert code == INVALID and text.startswith("Credential should be scoped to a valid region")


@pytest.mark.parametrize(
    "skew_s, opening",
    [(-320, "Signature expired: "), (-86_400, "Signature expired: "), (320, "Signature not yet current: ")],
)
def test_a_skewed_clock_is_told_so(server, skew_s, opening):
    code, text = refusal(wire.call(server.url, "ListKeys", BODY, skew_s=skew_s))
    stamp = r"\d{8}T\d{6}Z"
    relation, sign = ("now earlier", "-") if skew_s < 0 else ("still later", r"\+")
    assert code == INVALID and text.startswith(opening)
    assert re.fullmatch(rf"{opening}{stamp} is {relation} than {stamp} \({stamp} {sign} 5 min.\)", text), text


@pytest.mark.parametrize("skew_s", [-280, 280])
def test_a_slightly_skewed_clock_is_let_in(server, skew_s):
    assert wire.call(server.url, "ListKeys", BODY, skew_s=skew_s).status == 200


def test_no_authorization_at_all(server):
    headers = wire.sign(server.url, "ListKeys", BODY)
    del headers["Authorization"]
    assert refusal(wire.send(server.url, headers, BODY)) == (
        "MissingAuthenticationTokenException",
        "Missing Authentication Token",
    )


@pytest.mark.parametrize(
    "authorization, text",
    [
        ("AWS4-HMAC-SHA256 X", "'X' not a valid key=value pair (missing equal-sign) in Authorization header: 'X'."),
        (
            "AWS4-HMAC-SHA256 SignedHeaders=host",
            "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. "
            "Authorization=AWS4-HMAC-SHA256 SignedHeaders=host",
        ),
    ],
)
def test_half_an_authorization(server, authorization, text):
    headers = wire.sign(server.url, "ListKeys", BODY) | {"Authorization": authorization}
    assert refusal(wire.send(server.url, headers, BODY)) == ("IncompleteSignatureException", text)


@pytest.mark.parametrize("name", ["X-Amz-Target", "X-Amz-Date", "Content-Type", "Authorization"])
def test_a_changed_signed_header_is_refused(server, name):
    headers = wire.sign(server.url, "DescribeKey", BODY)
    changes = {
        "X-Amz-Target": "TrentService.ListKeys",
        "Content-Type": "application/json",
        "X-Amz-Date": None,
        "Authorization": None,
    }
    value = changes[name]
    if name == "X-Amz-Date":
        value = headers[name][:-2] + ("1Z" if headers[name][-2] == "0" else "0Z")
    if name == "Authorization":
        value = headers[name][:-1] + ("0" if headers[name][-1] != "0" else "1")
    assert refusal(wire.send(server.url, headers | {name: value}, BODY)) == (INVALID, MISMATCH)


@pytest.mark.parametrize("body", [BODY + b" ", b'{"Limit": 2}', b"", b"{}"])
def test_a_changed_body_is_refused(server, body):
    headers = wire.sign(server.url, "ListKeys", BODY)
    assert refusal(wire.send(server.url, headers, body)) == (INVALID, MISMATCH)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("name", ["Authorization", "X-Amz-Date", "X-Amz-Target", "Content-Type"])
def test_a_header_that_may_come_once_comes_once(server, name, place):
    headers = list(wire.sign(server.url, "ListKeys", BODY).items())
    at = next(index for index, (header, _) in enumerate(headers) if header == name)
    headers.insert(at + place, (name, headers[at][1]))
    assert wire.send(server.url, headers, BODY).status == 400


def test_unsigned_payloads_are_refused(server):
    headers = wire.sign(server.url, "ListKeys", BODY, more={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    assert refusal(wire.send(server.url, headers, BODY))[0] == INVALID


def test_browsers_are_kept_out(server):
    headers = wire.sign(server.url, "ListKeys", BODY) | {"Origin": "https://attacker.example"}
    assert 400 <= wire.send(server.url, headers, BODY).status < 500


@pytest.mark.parametrize("method, path", [("GET", "/"), ("PUT", "/"), ("POST", "/key"), ("POST", "/?a=b")])
def test_other_methods_and_paths_are_refused(server, method, path):
    headers = wire.sign(server.url, "ListKeys", BODY)
    assert 400 <= wire.send(server.url, headers, BODY, method=method, path=path).status < 500


def test_twelve_digits_are_the_root_of_that_account(server):
    reply = wire.call(server.url, "CreateKey", {}, access_key="123456789012")
    assert reply.json["KeyMetadata"]["AWSAccountId"] == "123456789012"


def curl(url, *more, user="test:test"):
    command = [
        "curl",
        "--silent",
        "--aws-sigv4",
        "aws:amz:us-east-1:kms",
        "--user",
        user,
        "--data-binary",
        BODY.decode(),
        "--header",
        "Content-Type: application/x-amz-json-1.1",
        "--header",
        "X-Amz-Target: TrentService.ListKeys",
        *more,
        url + "/",
    ]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def test_curl_signs_too(server):
    assert "Keys" in curl(server.url)
    assert curl(server.url, user="test:tost")["__type"].endswith(INVALID)
