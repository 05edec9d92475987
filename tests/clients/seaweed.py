"""A real S3 server (SeaweedFS, Apache-2.0, from PyPI): started, killed and started again on the same folder and port."""

import contextlib
import json
import pathlib
import socket
import subprocess
import sys
import time

import boto3
import botocore.config
import botocore.exceptions

WEED = pathlib.Path(sys.executable).parent / "weed"
# Those of the root user of `dev`: `aws cloudtrail validate-logs` signs for both servers with one pair.
ACCESS_KEY, SECRET_KEY = "test", "test"
# A deadline, not a wait: it takes about four seconds.
START_SECONDS = 60
# SeaweedFS listens for gRPC at each port plus this.
GRPC = 10_000


def free_ports(count):
    """Ports that are free, and those 10,000 above them too."""
    ports, held = [], []
    while len(ports) < count:
        with contextlib.suppress(OSError, OverflowError):
            low = socket.create_server(("127.0.0.1", 0))
            held.append(low)
            port = low.getsockname()[1]
            held.append(socket.create_server(("127.0.0.1", port + GRPC)))
            ports.append(port)
    for each in held:
        each.close()
    return ports


class Seaweed:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ports = free_ports(4)
        identity = {
            "name": "keeper",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        (self.folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.ports[3]}"

    def start(self):
        master, volume, filer, s3 = self.ports
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        command = [
            WEED, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={data}",
            f"-master.port={master}", f"-volume.port={volume}", "-filer", f"-filer.port={filer}",
            "-s3", f"-s3.port={s3}", f"-s3.config={self.folder / 's3.json'}",
            "-master.volumeSizeLimitMB=64", "-volume.max=10",
        ]  # fmt: skip
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        log.close()
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.client().put_object(Bucket="warm-up", Key="k", Body=b"x")
                return self
            except botocore.exceptions.ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchBucket":
                    self.bucket("warm-up")
            except botocore.exceptions.BotoCoreError:
                pass
            assert time.monotonic() < deadline and self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.1)

    def bucket(self, name):
        with contextlib.suppress(botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError):
            self.client().create_bucket(Bucket=name)

    def stop(self):
        """At once: its own way to stop takes ten seconds."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def client(self):
        quick = botocore.config.Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=30)
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=quick,
        )
