"""Regions as processes: `keyreeve serve`, each with its own folder, root key and certificate, and a Region that is none."""

import base64
import contextlib
import datetime
import hashlib
import http.client
import itertools
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from server import BINARY, START_SECONDS, STOP_SECONDS

CONFIG = """
[deployment]
data = "data"
regions = ["{name}"]
[listen]
addresses = ["127.0.0.1:0"]
[unseal]
key_file = "root.key"
[region]
listen = "127.0.0.1:{port}"
endpoint = "https://127.0.0.1:{port}"
"""
# A deadline, not a wait: a Region is a second behind another.
PATIENCE_SECONDS = 60
READY = re.compile(r"Serving KMS on (\S+)")
REGIONS = re.compile(r"Other Regions on (\S+)")
OPERATORS = re.compile(r"Operators on (\S+)")


# Where nobody is given a port who asks for any: below the range from which Linux chooses those.
PORTS = range(16_384, 32_768)
WORKERS = 8


def _ports():
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    mine = PORTS[worker::WORKERS]
    # Elsewhere in each run, for those that run at the same time without knowing of each other.
    return itertools.islice(itertools.cycle(mine), os.getpid() * 61 % len(mine), None)


_next_ports = _ports()


def free_port():
    """A port for a Region that keeps it over restarts and long absences: nobody has it, and no other Region gets it."""
    for port in itertools.islice(_next_ports, len(PORTS) // WORKERS):
        with contextlib.suppress(OSError), socket.socket() as listening:
            listening.bind(("127.0.0.1", port))
            return port
    raise RuntimeError(f"no port is free in {PORTS}")


def fingerprint(introduction):
    """As `keyreeve region init` prints it, computed a second time."""
    digest = hashlib.sha256()
    for member in ("Format", "Region", "Endpoint", "CertificatePin", "TransportKey"):
        part = introduction[member].encode()
        digest.update(len(part).to_bytes(8, "big") + part)
    text = digest.hexdigest()[:32]
    return "-".join(text[start : start + 4] for start in range(0, 32, 4))


class Failed(Exception):
    """A command that was refused, with what it said."""


def keyreeve(*arguments, cwd, stdin=None):
    """Runs a command; its standard output and standard error."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "KEYREEVE_"))}
    ran = subprocess.run(
        [str(BINARY), *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
    )
    if ran.returncode != 0:
        raise Failed(ran.stderr)
    return ran.stdout, ran.stderr


class Region:
    """One Region: a deployment and, once started, its process. Its ports stay the same over restarts."""

    def __init__(self, folder, name):
        self.folder, self.name = pathlib.Path(folder), name
        self.folder.mkdir(parents=True)
        self.port = free_port()
        self.process = None
        (self.folder / "keyreeve.toml").write_text(CONFIG.format(name=name, port=self.port))
        keyreeve("init", "--config", "keyreeve.toml", cwd=self.folder)

    def start(self):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "KEYREEVE_"))}
        command = [str(BINARY), "serve", "--config", "keyreeve.toml"]
        self.process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        lines, ready = [], threading.Event()

        def follow(stream):
            for line in stream:
                lines.append(line)
                if OPERATORS.search(line):
                    ready.set()
            ready.set()

        self._reader = threading.Thread(target=follow, args=(self.process.stdout,), daemon=True)
        self._reader.start()
        ready.wait(START_SECONDS)
        self.log = lambda: "".join(lines)
        if not REGIONS.search(self.log()) or not OPERATORS.search(self.log()):
            self.stop(signal.SIGKILL)
            raise RuntimeError(f"{self.name} did not start:\n{self.log()}")
        self.url = READY.search(self.log()).group(1)
        return self

    def stop(self, number=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(STOP_SECONDS)
            self._reader.join(STOP_SECONDS)
            self.process.stdout.close()
            self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def run(self, *arguments):
        """A command to this Region: what it printed."""
        return keyreeve(*arguments, "--config", "keyreeve.toml", cwd=self.folder)[0]

    def region(self, *arguments):
        """`keyreeve region … --json`."""
        return json.loads(self.run("region", *arguments, "--json"))

    def introduction(self):
        return self.region("init")["Introduction"]

    def trust(self, introduction, *more):
        """Trusts what an introduction says, in a file, as after a phone call."""
        path = self.folder / f"{introduction['Region']}.json"
        path.write_text(json.dumps(introduction))
        return self.region("trust", path, "--fingerprint", fingerprint(introduction), *more)

    def peer(self, name):
        """What `keyreeve region status` says about another Region."""
        return next(peer for peer in self.region("status")["Peers"] if peer["Region"] == name)

    def reaches(self, name):
        """Waits until another Region answers: what is then said about it. On a busy machine one attempt may be too late."""
        peers = []

        def answers():
            peers.append(self.peer(name))
            return peers[-1]["Reachable"]

        agree(answers, True)
        return peers[-1]

    def is_refused(self, name, why):
        """Waits until it is said why another Region is not reachable."""
        trouble = lambda peer: None if peer["Reachable"] else why in peer["Trouble"]
        agree(lambda: trouble(self.peer(name)), True)


class Impostor:
    """A client with a certificate of its own: a Region where it is trusted, a stranger elsewhere."""

    def __init__(self, folder, name="ap-south-1"):
        self.name = name
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.timezone.utc)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .sign(key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.file = pathlib.Path(folder) / f"{name}.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
        spki = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.pin = hashlib.sha256(spki).hexdigest()

    def introduction(self, like, port=9):
        """As if it were a Region; it borrows the transport key of another."""
        return {
            **like,
            "Region": self.name,
            "Endpoint": f"https://127.0.0.1:{port}",
            "CertificatePin": self.pin,
        }

    def context(self, certificate=True, version=ssl.TLSVersion.TLSv1_3):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = context.maximum_version = version
        if certificate:
            context.load_cert_chain(self.file)
        return context

    def connect(self, region, **options):
        return http.client.HTTPSConnection("127.0.0.1", region.port, context=self.context(**options), timeout=30)

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        return context


def ask(connection, message, path="/region/v1", method="POST"):
    """One exchange: status and answer."""
    body = message if isinstance(message, (bytes, type(None))) else json.dumps(message).encode()
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def certificate_of(region):
    """The certificate that a Region shows, as DER; nobody needs one of his own to see it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", region.port), 30) as raw:
        with context.wrap_socket(raw) as stream:
            return stream.getpeercert(binary_form=True)


def pin_of(der):
    public = x509.load_der_x509_certificate(der).public_key()
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


def transport_key_of(introduction):
    return base64.b64decode(introduction["TransportKey"])


def client(region, service, credentials):
    """A client of a Region with the credentials of CreateAccessKey or AssumeRole."""
    return boto3.client(
        service,
        endpoint_url=region.url,
        region_name=region.name,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials.get("SessionToken"),
        config=Config(retries={"max_attempts": 0}),
    )


def agree(found, expected):
    """Waits until `found` answers what is expected."""
    end = time.monotonic() + PATIENCE_SECONDS
    while (answer := found()) != expected and time.monotonic() < end:
        time.sleep(0.1)
    assert answer == expected


def may(region, credentials):
    """Whether the credentials sign a call in a Region; else why not."""
    try:
        client(region, "kms", credentials).generate_random(NumberOfBytes=8)
        return "yes"
    except ClientError as error:
        return error.response["Error"]["Code"]


def becomes(region, credentials, expected):
    """Waits until the credentials are worth this in a Region."""
    agree(lambda: may(region, credentials), expected)
