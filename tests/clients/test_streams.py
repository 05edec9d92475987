"""Streams of the audit trail: lines to standard output and to a Unix socket, OpenTelemetry logs."""

import json
import re
import urllib.request

import pytest

import wire
from collectors import Lines, Otlp, told
from connect import make_client
from issuer import vouched_context
from server import Server

OBSERVE = re.compile(r"Health and metrics: (http://\S+)/health/ready")


def fail(server, access_key="AKIAIOSFODNN7EXAMPLE"):
    """A request whose caller is not known: within a second a record tells of it."""
    reply = wire.call(server.url, "ListKeys", access_key=access_key, secret="wrong")
    assert reply.status == 400 and reply.error[0] == "UnrecognizedClientException"


def of_key(records, access_key):
    """How many failures with this access key id are told of."""
    named = (named for record in told(records) for named in record["serviceEventDetails"]["accessKeyIds"])
    return sum(named["count"] for named in named if named["id"] == access_key)


def metrics(server):
    with urllib.request.urlopen(server.printed(OBSERVE) + "/metrics", timeout=60) as answer:
        lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.fixture
def serving(tmp_path):
    """Starts a server with these arguments."""
    running = []

    def start(*arguments):
        running.append(Server(tmp_path, arguments).start())
        return running[-1]

    yield start
    for server in running:
        server.stop()


def test_standard_output_has_a_line_of_json_for_each_record(serving):
    server = serving("--audit-stream", "stdout")
    fail(server)
    line = server.printed(re.compile(r'^(\{.*"AuthenticationFailures".*\})$'))
    record = json.loads(line)
    assert record["eventType"] == "AwsServiceEvent" and record["awsRegion"] == "us-east-1"
    details = record["serviceEventDetails"]
    assert details["sources"] == [{"ip": "127.0.0.1", "count": 1}]
    assert details["accessKeyIds"] == [{"id": "AKIAIOSFODNN7EXAMPLE", "count": 1}]
    assert details["errorCodes"] == [{"code": "UnrecognizedClientException", "count": 1}]


def test_a_socket_has_every_record_once_though_collector_and_server_come_and_go(serving, tmp_path):
    path = tmp_path / "collector.sock"
    first = Lines(path)
    server = serving("--audit-stream", f"unix:{path}")
    fail(server, "AKIAFIRST")
    records = first.wait(lambda records: of_key(records, "AKIAFIRST"))
    first.close()
    # Nobody listens: the log takes it, and the server stops in good order.
    fail(server, "AKIASECOND")
    server.stop()
    second = Lines(path)
    server.start()
    fail(server, "AKIATHIRD")
    records += second.wait(lambda records: of_key(records, "AKIASECOND") and of_key(records, "AKIATHIRD"))
    server.stop()
    records = first.items + second.items
    assert all(of_key(records, key) == 1 for key in ("AKIAFIRST", "AKIASECOND", "AKIATHIRD"))
    ids = [record["eventID"] for record in records]
    assert len(ids) == len(set(ids))
    second.close()


def test_calls_come_as_their_records_and_scheduled_deletions_as_notices(serving, tmp_path):
    records, notices = Lines(tmp_path / "records.sock"), Lines(tmp_path / "notices.sock")
    server = serving("--audit-stream", f"unix:{records.path}", "--audit-notices", f"unix:{notices.path}")
    kms = make_client(server.url)
    key = kms.create_key()["KeyMetadata"]
    kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext={"line": "a\nb"})
    with pytest.raises(kms.exceptions.NotFoundException):
        kms.schedule_key_deletion(KeyId="00000000-0000-0000-0000-000000000000")
    scheduled = kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)["ResponseMetadata"]["RequestId"]
    came = records.wait(lambda records: any(record.get("requestID") == scheduled for record in records))
    assert [record["eventName"] for record in came] == [
        "CreateKey",
        "Encrypt",
        "ScheduleKeyDeletion",
        "ScheduleKeyDeletion",
    ]
    assert came[1]["requestParameters"]["encryptionContext"] == {"line": "a\nb"}
    assert came[2]["errorCode"] == "NotFoundException"
    told_of = notices.wait(len)
    server.stop()
    assert notices.items == told_of and len(told_of) == 1
    notice = told_of[0]
    assert notice["id"] == came[3]["eventID"] and notice["time"] == came[3]["eventTime"]
    assert notice["detail-type"] == "KMS Key Deletion Scheduled" and notice["source"] == "keyreeve"
    assert (notice["version"], notice["account"], notice["region"]) == ("0", "000000000000", "us-east-1")
    assert notice["resources"] == [key["Arn"]]
    assert notice["detail"]["key-id"] == key["KeyId"] and notice["detail"]["pending-window-in-days"] == 7
    for collector in (records, notices):
        collector.close()


def test_a_rotation_is_told_of_as_event_bridge_tells_it(serving, tmp_path):
    records, notices = Lines(tmp_path / "records.sock"), Lines(tmp_path / "notices.sock")
    server = serving("--audit-stream", f"unix:{records.path}", "--audit-notices", f"unix:{notices.path}")
    kms = make_client(server.url)
    key = kms.create_key()["KeyMetadata"]
    kms.rotate_key_on_demand(KeyId=key["KeyId"])
    notice = notices.wait(len)[0]
    of_rotation = lambda records: [record for record in records if record["eventName"] == "RotateKey"]
    (event,) = of_rotation(records.wait(of_rotation))
    rotated = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["CurrentKeyMaterialId"]
    assert (notice["source"], notice["detail-type"], notice["id"]) == ("aws.kms", "KMS CMK Rotation", event["eventID"])
    assert notice["detail"] == {
        "key-id": key["KeyId"],
        "key-origin": "AWS_KMS",
        "rotation-type": "ON_DEMAND",
        "previous-key-material-id": key["CurrentKeyMaterialId"],
        "current-key-material-id": rotated,
    }
    assert event["resources"][0]["ARN"] == key["Arn"] and "requestID" not in event
    server.stop()
    for collector in (records, notices):
        collector.close()


@pytest.mark.parametrize("tls", [False, True])
def test_opentelemetry_logs_are_of_the_schema_and_repeated_until_taken(serving, tmp_path, monkeypatch, tls):
    context = None
    if tls:
        authority, context = vouched_context(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    collector = Otlp([503, 429], context)
    server = serving("--audit-stream", collector.url, "--observe", "127.0.0.1:0")
    fail(server)
    items = collector.wait(lambda items: any(told(json.loads(r.body.string_value) for r in collector.records(items))))
    assert [status for status, _ in items][:2] == [503, 429], items
    assert all(request == items[0][1] for _, request in items[:3])
    resource = items[2][1].resource_logs[0].resource
    assert [(a.key, a.value.string_value) for a in resource.attributes] == [("service.name", "keyreeve")]
    for record in collector.records(items):
        event = json.loads(record.body.string_value)
        attributes = {attribute.key: attribute.value.string_value for attribute in record.attributes}
        assert attributes["event.name"] == event["eventName"] == record.event_name
        assert attributes["cloud.account.id"] == event["recipientAccountId"]
        assert attributes["cloud.region"] == event["awsRegion"]
        assert attributes["log.record.uid"] == event["eventID"]
        wanted = ("WARN", 13) if "errorCode" in event else ("INFO", 9)
        assert (record.severity_text, record.severity_number) == wanted
        assert record.time_unix_nano > 1_700_000_000 * 10**9
    counted = metrics(server)
    assert counted['keyreeve_audit_stream_sent_total{stream="stream-otlp"}'] >= 1
    assert counted['keyreeve_audit_stream_failures_total{stream="stream-otlp"}'] == 2
    assert counted['keyreeve_audit_stream_last_failure_timestamp_seconds{stream="stream-otlp"}'] > 1_700_000_000
    server.stop()
    collector.close()


def test_damage_under_a_running_server_is_a_record_and_a_notice(serving, tmp_path):
    records, notices = Lines(tmp_path / "records.sock"), Lines(tmp_path / "notices.sock")
    server = serving("--audit-stream", f"unix:{records.path}", "--audit-notices", f"unix:{notices.path}")
    fail(server)
    records.wait(told)
    for segment in (server.data / "audit").glob("segment-*.log"):
        segment.unlink()
    notice = notices.wait(len)[0]
    assert (notice["source"], notice["detail-type"]) == ("keyreeve", "Keyreeve Integrity Alarm")
    # The watch finds it gone, or the stream finds nothing to read: whichever looks first.
    message = notice["detail"]["message"]
    assert "was deleted" in message or "is gone or damaged" in message, message
    record = records.wait(lambda records: any(r["eventID"] == notice["id"] for r in records))[-1]
    assert record["eventName"] == "AuditIntegrityAlarm"
    # The stream goes on behind what is lost.
    fail(server, "AKIALATER")
    records.wait(lambda records: of_key(records, "AKIALATER"))
    server.stop()
    for collector in (records, notices):
        collector.close()


def test_a_collector_that_is_gone_holds_nothing_up_and_shows_in_the_metrics(serving, tmp_path):
    gone = f"unix:{tmp_path / 'nobody.sock'}"
    server = serving("--audit-stream", gone, "--observe", "127.0.0.1:0")
    fail(server, "AKIAFIRST")
    for _ in range(20):
        assert wire.call(server.url, "ListKeys").status == 200
    with urllib.request.urlopen(server.printed(OBSERVE) + "/health/ready", timeout=60) as answer:
        assert answer.read() == b"ready\n"
    collector = Lines(tmp_path / "nobody.sock")
    collector.wait(lambda records: of_key(records, "AKIAFIRST"))
    counted = metrics(server)
    assert counted['keyreeve_audit_stream_failures_total{stream="stream-unix"}'] >= 1
    assert counted["keyreeve_audit_writable"] == 1
    assert counted["keyreeve_audit_frames_total"] >= 1
    server.stop()
    collector.close()
