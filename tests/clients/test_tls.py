"""TLS with the private authority of `keyreeve dev --tls`: boto3, curl with HTTP/2, and MongoDB's libmongocrypt."""

import re
import signal
import socket
import ssl
import subprocess
import time

import boto3
import botocore.exceptions
import bson
import pytest
from pymongocrypt.mongocrypt import MongoCryptOptions
from pymongocrypt.synchronous.explicit_encrypter import ExplicitEncrypter
from pymongocrypt.synchronous.state_machine import MongoCryptCallback

from server import Server

PLAINTEXT = {"v": "123-45-6789"}


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("tls"), ["--tls"]).start()
    assert running.url.startswith("https://")
    running.authority = running.printed(re.compile(r"AWS_CA_BUNDLE=[\"']?([^\s\"']+)"))
    yield running
    running.stop()


def test_boto3_trusts_the_printed_authority_and_no_other(tls_server):
    trusting = boto3.client("kms", endpoint_url=tls_server.url, verify=tls_server.authority)
    key = trusting.create_key()["KeyMetadata"]["KeyId"]
    blob = trusting.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert trusting.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    with pytest.raises(botocore.exceptions.SSLError):
        boto3.client("kms", endpoint_url=tls_server.url).list_keys()


@pytest.mark.parametrize("version, option", [("1.1", "--http1.1"), ("2", "--http2")])
def test_curl_speaks_both_versions_of_http(tls_server, version, option):
    command = [
        "curl",
        "--silent",
        option,
        "--cacert",
        tls_server.authority,
        "--aws-sigv4",
        "aws:amz:us-east-1:kms",
        "--user",
        "test:test",
        "--data-binary",
        "{}",
        "--header",
        "Content-Type: application/x-amz-json-1.1",
        "--header",
        "X-Amz-Target: TrentService.ListKeys",
        "--write-out",
        "\n%{http_version} %{http_code}",
        tls_server.url + "/",
    ]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert answer.splitlines()[-1] == f"{version} 200", answer


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    "maximum, accepted",
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)],
)
def test_tls_before_1_2_is_refused(tls_server, maximum, accepted):
    context = ssl.create_default_context(cafile=tls_server.authority)
    # Level 0 lets the client offer the old version; the server must be the one that refuses.
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, maximum

    def shake_hands():
        with (
            socket.create_connection(("127.0.0.1", tls_server.port), 30) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
        ):
            return secure.version()

    if accepted:
        assert shake_hands() == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[maximum]
    else:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            shake_hands()


class Vault(MongoCryptCallback):
    """What a MongoDB driver does for libmongocrypt: carries its bytes to the KMS and keeps the data keys.

    libmongocrypt reads the answer itself, and knows the header `Content-Length` in that spelling only.
    """

    def __init__(self, authority):
        self.authority = authority
        self.keys = {}

    def kms_request(self, request):
        host, _, port = request.endpoint.partition(":")
        context = ssl.create_default_context(cafile=self.authority)
        with (
            socket.create_connection((host, int(port)), 30) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            secure.sendall(request.message)
            while request.bytes_needed > 0:
                received = secure.recv(request.bytes_needed)
                assert received, "the server closed the connection"
                request.feed(received)

    def collection_info(self, *_):
        return None

    def mark_command(self, *_):
        raise NotImplementedError

    def fetch_keys(self, _):
        return list(self.keys.values())

    def insert_data_key(self, document):
        identifier = bson.decode(bytes(document))["_id"]
        self.keys[identifier] = bytes(document)
        return identifier

    def bson_encode(self, document):
        return bson.encode(document)

    def close(self):
        pass


def test_mongodb_client_side_encryption(tls_server):
    kms = boto3.client("kms", endpoint_url=tls_server.url, verify=tls_server.authority)
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    options = MongoCryptOptions({"aws": {"accessKeyId": "test", "secretAccessKey": "test"}})
    vault = Vault(tls_server.authority)
    encrypter = ExplicitEncrypter(vault, options)
    # The endpoint must hold a dot; libmongocrypt signs Host without the port in Encrypt and with it in Decrypt.
    master_key = {"region": "us-east-1", "key": arn, "endpoint": f"127.0.0.1:{tls_server.port}"}
    identifier = bson.Binary(encrypter.create_data_key("aws", master_key=master_key), 4)
    algorithm = "AEAD_AES_256_CBC_HMAC_SHA_512-Random"
    sealed = encrypter.encrypt(bson.encode(PLAINTEXT), algorithm, key_id=identifier)
    assert PLAINTEXT["v"].encode() not in sealed
    # Another process, with nothing but the stored data key: it has to ask the KMS.
    reader = Vault(tls_server.authority)
    reader.keys = vault.keys
    assert bson.decode(ExplicitEncrypter(reader, options).decrypt(sealed)) == PLAINTEXT


def make_certificate(folder):
    """A self-signed certificate for 127.0.0.1 and its key, in the files that the server was given."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command += ["-keyout", str(folder / "server.key"), "-out", str(folder / "server.pem")]
    subprocess.run(command, check=True, capture_output=True)
    return ssl.create_default_context(cafile=folder / "server.pem")


def shakes_hands(server, trusting):
    try:
        with socket.create_connection(("127.0.0.1", server.port)) as plain:
            trusting.wrap_socket(plain, server_hostname="127.0.0.1").close()
        return True
    except ssl.SSLCertVerificationError:
        return False


def test_a_certificate_of_ones_own_is_served_and_read_again_on_sighup(tmp_path):
    first = make_certificate(tmp_path)
    arguments = ["--tls-cert", str(tmp_path / "server.pem"), "--tls-key", str(tmp_path / "server.key")]
    running = Server(tmp_path, arguments).start()
    try:
        assert running.url.startswith("https://")
        assert shakes_hands(running, first)
        second = make_certificate(tmp_path)
        assert not shakes_hands(running, second)
        running.process.send_signal(signal.SIGHUP)
        # Each turn is a whole handshake; the deadline only ends a test that would fail.
        deadline = time.monotonic() + 30
        while not shakes_hands(running, second):
            assert time.monotonic() < deadline, running.log
        assert not shakes_hands(running, first)
    finally:
        running.stop()
