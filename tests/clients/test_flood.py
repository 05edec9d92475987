"""A flood of requests whose caller nobody knows: the log has one bounded record a second of it, others are answered."""

import http.client
import math
import re
import threading
import time
import urllib.parse

from collectors import Lines, told
from connect import make_client
from server import Server
import wire

REQUESTS = 20_000
CONNECTIONS = 8
RECORD_BYTES_MAX = 10_000


def flood(url, number, statuses):
    """Sends its share over one connection, each request with another access key id and a signature that is wrong."""
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    headers = wire.sign(url, "ListKeys")
    named = re.compile(r"Credential=test/")
    for n in range(REQUESTS // CONNECTIONS):
        credential = f"Credential=AKIA{number:04}{n:012}/"
        connection.request("POST", "/", b"{}", headers | {"Authorization": named.sub(credential, headers["Authorization"])})
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()


def test_a_flood_of_strangers_leaves_bounded_records_and_others_are_answered(tmp_path):
    collector = Lines(tmp_path / "collector.sock")
    server = Server(tmp_path, ["--audit-stream", f"unix:{collector.path}"]).start()
    kms = make_client(server.url)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    statuses = []
    threads = [threading.Thread(target=flood, args=(server.url, number, statuses)) for number in range(CONNECTIONS)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    answered = 0
    while any(thread.is_alive() for thread in threads):
        blob = kms.encrypt(KeyId=key, Plaintext=b"meanwhile")["CiphertextBlob"]
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"meanwhile"
        answered += 1
    seconds = math.ceil(time.monotonic() - begun)
    assert server.stop() == 0
    collector.close()
    assert len(statuses) == REQUESTS and set(statuses) == {400}
    assert answered > 0
    summaries = told(collector.items)
    assert sum(summary["serviceEventDetails"]["count"] for summary in summaries) == REQUESTS
    # One more for what the stop tells of.
    assert 1 <= len(summaries) <= seconds + 1
    raw = [line for line in collector.raw if b'"AuthenticationFailures"' in line]
    assert max(map(len, raw)) <= RECORD_BYTES_MAX
    for details in (summary["serviceEventDetails"] for summary in summaries):
        named = sum(item["count"] for item in details["accessKeyIds"])
        assert len(details["accessKeyIds"]) <= 64 and named + details["others"]["accessKeyIds"] == details["count"]


def test_a_flood_of_calls_that_need_no_signature_leaves_few_records_of_its_refusals(tmp_path):
    collector = Lines(tmp_path / "collector.sock")
    server = Server(tmp_path, ["--audit-stream", f"unix:{collector.path}"]).start()
    form = (
        b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::000000000000:role/none"
        b"&RoleSessionName=stranger&WebIdentityToken=not.a.token"
    )
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    begun = time.monotonic()
    for _ in range(500):
        assert wire.send(server.url, headers, form).status == 400
    seconds = math.ceil(time.monotonic() - begun)
    assert server.stop() == 0
    collector.close()
    own = [record for record in collector.items if record["eventName"] == "AssumeRoleWithWebIdentity"]
    summed = [summary["serviceEventDetails"] for summary in told(collector.items)]
    # The first ten of each second that it touched.
    assert 10 <= len(own) <= 10 * (seconds + 1)
    assert len(own) + sum(details["count"] for details in summed) == 500
    assert {code["code"] for details in summed for code in details["errorCodes"]} == {"InvalidIdentityToken"}
