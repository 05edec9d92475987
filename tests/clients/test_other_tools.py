"""SOPS, Tink and the S3 Encryption Client, unmodified: programs that know AWS KMS and nothing of Keyreeve."""

import os
import pathlib
import socket
import subprocess
import sys

import boto3
import pytest
import tink
from s3_encryption import S3EncryptionClient, S3EncryptionClientConfig
from s3_encryption.materials.kms_keyring import KmsKeyring
from tink import aead
from tink.integration import awskms

BIN = pathlib.Path(sys.executable).parent
SECRET = "password: correct horse battery staple\n"


def sops(url, *arguments, fails=False):
    environment = {**os.environ, "AWS_ENDPOINT_URL_KMS": url, "AWS_REGION": "us-east-1"}
    command = [str(BIN / "sops"), "--disable-version-check", *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode != 0) == fails, (command, done)
    return done.stdout


@pytest.mark.parametrize("context", [[], ["--encryption-context", "team:payments"]])
def test_sops_hides_a_yaml_file(server, kms, key, tmp_path, context):
    plain, sealed = tmp_path / "plain.yaml", tmp_path / "sealed.yaml"
    plain.write_text(SECRET)
    sealed.write_text(sops(server.url, "encrypt", "--kms", key["Arn"], *context, plain))
    assert "correct horse" not in sealed.read_text() and key["Arn"] in sealed.read_text()
    assert sops(server.url, "decrypt", sealed) == SECRET
    kms.disable_key(KeyId=key["KeyId"])
    sops(server.url, "decrypt", sealed, fails=True)


def test_tink_wraps_a_keyset(server, key, kms):
    aead.register()
    arn = f"aws-kms://{key['Arn']}"
    envelope = awskms.new_client(boto3_client=kms, key_uri=arn).get_aead(arn)
    sealed = envelope.encrypt(b"plaintext", b"associated")
    assert envelope.decrypt(sealed, b"associated") == b"plaintext"
    with pytest.raises(tink.TinkError):
        envelope.decrypt(sealed, b"other")


@pytest.fixture(scope="module")
def s3():
    """A local stand-in for S3 (moto): it stores what it is given and encrypts nothing."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "Running on" in line:
            break
    yield boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
    process.kill()
    process.wait()
    process.stderr.close()


def test_the_s3_encryption_client_stores_ciphertext_only(s3, kms, key):
    plain_view = boto3.client("s3", endpoint_url=s3.meta.endpoint_url)
    s3.create_bucket(Bucket="ledger")
    client = S3EncryptionClient(s3, S3EncryptionClientConfig(keyring=KmsKeyring(kms, key["Arn"])))
    body = b"the reeve's ledger " * 1000
    client.put_object(Bucket="ledger", Key="k", Body=body)
    stored = plain_view.get_object(Bucket="ledger", Key="k")["Body"].read()
    assert b"reeve" not in stored
    assert client.get_object(Bucket="ledger", Key="k")["Body"].read() == body
