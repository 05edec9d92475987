"""CloudTrail: trails and LookupEvents through boto3 and the AWS CLI; deliveries to a folder and to a real S3 server, which
Amazon's own `aws cloudtrail validate-logs` checks."""

import datetime
import gzip
import json
import os
import pathlib
import subprocess
import sys
import time
import uuid

import pytest

from connect import make_client
from expect import refused
from seaweed import ACCESS_KEY, SECRET_KEY, Seaweed
from server import BINARY, Server

AWS = pathlib.Path(sys.executable).parent / "aws"
REGION = "us-east-1"
# Deadlines, not waits: `dev` delivers within seconds.
SECONDS = 90


def eventually(found, seconds=SECONDS):
    """What `found` answers once that is true."""
    deadline = time.monotonic() + seconds
    while True:
        answer = found()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        time.sleep(0.1)


def cli(url, *arguments, fails=False, **environment):
    """Runs `aws cloudtrail …`."""
    command = [str(AWS), "--endpoint-url", url, "cloudtrail", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "AWS_PAGER": "", **environment}, check=False
    )
    assert (done.returncode != 0) == fails, (command, done)
    return done.stdout + done.stderr


def answered(url, *arguments):
    return json.loads(cli(url, *arguments, "--output", "json") or "null")


def named():
    return f"trail-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def trails(client_for):
    return client_for(service="cloudtrail")


def test_a_trail_is_made_read_changed_and_deleted_with_the_cli(fresh_server):
    url, name = fresh_server.url, named()
    made = answered(url, "create-trail", "--name", name, "--s3-bucket-name", "audit", "--enable-log-file-validation")
    arn = made["TrailARN"]
    assert arn == f"arn:aws:cloudtrail:{REGION}:000000000000:trail/{name}"
    assert (made["LogFileValidationEnabled"], made["IsMultiRegionTrail"]) == (True, False)
    answered(url, "update-trail", "--name", name, "--s3-key-prefix", "kept", "--is-multi-region-trail")
    (trail,) = answered(url, "describe-trails", "--trail-name-list", arn)["trailList"]
    assert (trail["S3KeyPrefix"], trail["IsMultiRegionTrail"], trail["HomeRegion"]) == ("kept", True, REGION)
    assert answered(url, "get-trail", "--name", arn)["Trail"] == trail
    assert not answered(url, "get-trail-status", "--name", name)["IsLogging"]
    cli(url, "start-logging", "--name", name)
    assert answered(url, "get-trail-status", "--name", name)["IsLogging"]
    cli(url, "stop-logging", "--name", name)
    assert not answered(url, "get-trail-status", "--name", name)["IsLogging"]
    assert [one["TrailARN"] for one in answered(url, "list-trails")["Trails"]] == [arn]
    cli(url, "add-tags", "--resource-id", arn, "--tags-list", "Key=Team,Value=red")
    (tagged,) = answered(url, "list-tags", "--resource-id-list", arn)["ResourceTagList"]
    assert tagged["TagsList"] == [{"Key": "Team", "Value": "red"}]
    cli(url, "delete-trail", "--name", name)
    assert "TrailNotFoundException" in cli(url, "get-trail", "--name", name, fails=True)


def test_every_refusal_is_cloudtrails_own(trails):
    name = named()
    trails.create_trail(Name=name, S3BucketName="audit")
    with refused("TrailAlreadyExistsException"):
        trails.create_trail(Name=name, S3BucketName="audit")
    with refused("TrailNotFoundException"):
        trails.start_logging(Name=named())
    with refused("InvalidTrailNameException"):
        trails.create_trail(Name="x", S3BucketName="audit")
    with refused("InvalidS3BucketNameException"):
        trails.create_trail(Name=named(), S3BucketName="No_Bucket")
    with refused("UnsupportedOperationException"):
        trails.create_trail(Name=named(), S3BucketName="audit", IsOrganizationTrail=True)
    with refused("InvalidMaxResultsException"):
        trails.lookup_events(MaxResults=51)
    with refused("InvalidNextTokenException"):
        trails.lookup_events(NextToken="made-up")
    two = [{"AttributeKey": "EventName", "AttributeValue": value} for value in ("Encrypt", "Decrypt")]
    with refused("InvalidLookupAttributesException"):
        trails.lookup_events(LookupAttributes=two)
    trails.delete_trail(Name=name)


def test_trails_ask_for_permission(account):
    nobody = account.user("Nobody").client("cloudtrail")
    for asked in (nobody.describe_trails, nobody.lookup_events, nobody.list_public_keys):
        with refused("AccessDeniedException"):
            asked()
    with refused("AccessDeniedException"):
        nobody.stop_logging(Name="ledger")


def events(trails, key, value):
    found = trails.get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}]
    )
    return [event for page in found for event in page["Events"]]


def test_lookup_shows_what_was_just_done(server, trails, kms):
    key = kms.create_key()["KeyMetadata"]
    sealed = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    kms.decrypt(CiphertextBlob=sealed)
    seen = events(trails, "ResourceName", key["Arn"])
    assert [event["EventName"] for event in seen] == ["Decrypt", "Encrypt", "CreateKey"]
    record = json.loads(seen[0]["CloudTrailEvent"])
    assert (record["eventID"], record["eventSource"]) == (seen[0]["EventId"], "kms.amazonaws.com")
    assert events(trails, "EventId", record["eventID"]) == seen[:1]
    options = ["--lookup-attributes", f"AttributeKey=ResourceName,AttributeValue={key['Arn']}"]
    shown = answered(server.url, "lookup-events", *options)["Events"]
    assert [event["EventId"] for event in shown] == [event["EventId"] for event in seen]


def test_stopping_a_trail_is_itself_recorded(trails):
    name = named()
    trails.create_trail(Name=name, S3BucketName="audit")
    trails.start_logging(Name=name)
    trails.stop_logging(Name=name)
    stops = [json.loads(event["CloudTrailEvent"]) for event in events(trails, "EventName", "StopLogging")]
    assert any(name in json.dumps(record["requestParameters"]) for record in stops)
    trails.delete_trail(Name=name)


class Watched:
    """A server with a trail that logs, and calls of KMS whose records must come to its bucket."""

    def __init__(self, server):
        self.server = server
        self.trails = make_client(server.url, service="cloudtrail")
        self.kms = make_client(server.url)
        self.begun = datetime.datetime.now(datetime.timezone.utc)
        made = self.trails.create_trail(Name="ledger", S3BucketName="audit", EnableLogFileValidation=True)
        self.arn = made["TrailARN"]
        self.trails.start_logging(Name="ledger")
        self.key = self.kms.create_key()["KeyMetadata"]["KeyId"]
        self.asked = []

    def ask(self, times=3):
        """Calls whose request ids the records have."""
        for _ in range(times):
            answer = self.kms.generate_data_key(KeyId=self.key, KeySpec="AES_256")
            self.asked.append(answer["ResponseMetadata"]["RequestId"])

    def is_delivered_once(self, files):
        """Whether every call has one record in the files; fails when one has two."""
        records = [record for body in files for record in json.loads(gzip.decompress(body))["Records"]]
        found = [record["requestID"] for record in records if record.get("eventName") == "GenerateDataKey"]
        assert len(found) == len(set(found))
        return sorted(found) == sorted(self.asked)

    def pass_hours(self, hours, digests):
        """Shifts the server's clock until there are so many digests more, and back, as clients sign with the real time."""
        before = len(digests())
        self.server.shift(f"+{hours}h")
        eventually(lambda: len(digests()) >= before + hours)
        self.server.shift("+0s")


def in_folder(server, kind):
    """Delivered files of a folder that stands for a bucket."""
    return sorted((server.data / "buckets" / "audit").glob(f"AWSLogs/*/{kind}/**/*.json.gz"))


def test_a_folder_gets_every_record_once_and_signed_digests(clock_server):
    watched = Watched(clock_server)
    watched.ask()
    files = lambda: [path.read_bytes() for path in in_folder(clock_server, "CloudTrail")]  # noqa: E731
    eventually(lambda: watched.is_delivered_once(files()))
    watched.pass_hours(2, lambda: in_folder(clock_server, "CloudTrail-Digest"))
    digests = in_folder(clock_server, "CloudTrail-Digest")
    chain = [json.loads(gzip.decompress(path.read_bytes())) for path in digests]
    assert [digest["previousDigestS3Object"] for digest in chain][1:] == [one["digestS3Object"] for one in chain][:-1]
    assert sum(len(digest["logFiles"]) for digest in chain) == len(files())
    for path in digests:
        metadata = json.loads(path.with_name(path.name + ".metadata.json").read_text())
        assert metadata["signature-algorithm"] == "SHA256withRSA"
    status = watched.trails.get_trail_status(Name="ledger")
    assert status["LatestDigestDeliveryTime"] and status["LatestDeliveryTime"]
    # Each digest holds the head of the log at its time: an anchor outside of the deployment.
    anchor = digests[-1].with_name(digests[-1].name + ".metadata.json")
    command = [str(BINARY), "audit", "verify", "--store", "--data", str(clock_server.data), "--head", str(anchor)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    assert done.stdout.splitlines()[-1] == "Every row of the store is as the log says.", done
    assert "no head from outside" not in done.stdout, done


@pytest.fixture
def seaweed(tmp_path):
    running = Seaweed(tmp_path / "seaweed").start()
    yield running
    running.stop()


@pytest.fixture
def delivering(tmp_path, seaweed):
    """A server whose bucket `audit` is on SeaweedFS; its clock can be shifted."""
    seaweed.bucket("audit")
    clock = tmp_path / "clock"
    clock.write_text("+0s")
    place = f"audit={seaweed.url}"
    credentials = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    running = Server(tmp_path, ["--clock", str(clock), "--audit-destination", place], environment=credentials).start()
    running.shift = clock.write_text
    yield running
    running.stop()


class Bucket:
    def __init__(self, seaweed):
        self.client = seaweed.client()

    def keys(self, kind):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket="audit", Prefix="AWSLogs/")
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return [key for key in keys if f"/{kind}/" in key and key.endswith(".json.gz")]

    def get(self, key):
        return self.client.get_object(Bucket="audit", Key=key)["Body"].read()

    def files(self):
        return [self.get(key) for key in self.keys("CloudTrail")]

    def digests(self):
        return self.keys("CloudTrail-Digest")


def validated(watched, seaweed, fails=False):
    """What `aws cloudtrail validate-logs` says; it asks Keyreeve for the keys and S3 for the files."""
    until = watched.begun + datetime.timedelta(hours=6)
    times = ["--start-time", (watched.begun - datetime.timedelta(hours=2)).isoformat(), "--end-time", until.isoformat()]
    return cli(
        watched.server.url,
        "validate-logs", "--trail-arn", watched.arn, *times, "--verbose",
        fails=fails,
        AWS_ENDPOINT_URL_S3=seaweed.url,
    )  # fmt: skip


def test_the_aws_cli_validates_what_was_delivered_and_finds_what_was_altered(delivering, seaweed):
    bucket, watched = Bucket(seaweed), Watched(delivering)
    watched.ask()
    eventually(lambda: watched.is_delivered_once(bucket.files()))
    watched.pass_hours(2, bucket.digests)
    logs, digests = bucket.keys("CloudTrail"), bucket.digests()
    assert len(digests) >= 3
    text = validated(watched, seaweed)
    assert f"{len(digests)}/{len(digests)} digest files valid" in text, text
    assert f"{len(logs)}/{len(logs)} log files valid" in text, text

    whole = bucket.get(logs[0])
    body = json.loads(gzip.decompress(whole))
    body["Records"] = body["Records"][1:]
    bucket.client.put_object(Bucket="audit", Key=logs[0], Body=gzip.compress(json.dumps(body).encode()))
    assert "INVALID: hash value doesn't match" in validated(watched, seaweed, fails=True)
    bucket.client.delete_object(Bucket="audit", Key=logs[0])
    assert "INVALID: not found" in validated(watched, seaweed, fails=True)
    bucket.client.put_object(Bucket="audit", Key=logs[0], Body=whole)
    validated(watched, seaweed)

    digest = bucket.client.get_object(Bucket="audit", Key=digests[1])
    body = json.loads(gzip.decompress(digest["Body"].read()))
    body["logFiles"] = []
    altered = gzip.compress(json.dumps(body).encode())
    bucket.client.put_object(Bucket="audit", Key=digests[1], Body=altered, Metadata=digest["Metadata"])
    assert "INVALID: signature verification failed" in validated(watched, seaweed, fails=True)


def test_a_bucket_that_is_away_gets_every_record_once_when_it_is_back(delivering, seaweed):
    bucket, watched = Bucket(seaweed), Watched(delivering)
    watched.ask()
    eventually(lambda: watched.is_delivered_once(bucket.files()))
    seaweed.stop()
    watched.ask(5)
    eventually(lambda: watched.trails.get_trail_status(Name="ledger").get("LatestDeliveryError"))
    # The process goes too, once in good order and once not.
    delivering.restart()
    watched.ask(5)
    delivering.kill9()
    delivering.start()
    watched.ask(5)
    seaweed.start()
    eventually(lambda: watched.is_delivered_once(bucket.files()))
    eventually(lambda: "LatestDeliveryError" not in watched.trails.get_trail_status(Name="ledger"))
    watched.pass_hours(1, bucket.digests)
    digests = [json.loads(gzip.decompress(bucket.get(key))) for key in bucket.digests()]
    listed = [log["s3Object"] for digest in digests for log in digest["logFiles"]]
    assert sorted(listed) == sorted(bucket.keys("CloudTrail"))
