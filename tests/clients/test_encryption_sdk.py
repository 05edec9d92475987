"""The AWS Encryption SDK for Python and its command line, unmodified, on data of their own format."""

import os
import pathlib
import subprocess
import sys
import time

import aws_encryption_sdk
import botocore.session
import pytest
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from aws_encryption_sdk.key_providers.kms import (
    DiscoveryFilter,
    MRKAwareDiscoveryAwsKmsMasterKeyProvider,
    MRKAwareStrictAwsKmsMasterKeyProvider,
    StrictAwsKmsMasterKeyProvider,
)

CLI = pathlib.Path(sys.executable).parents[2] / "encryption-cli" / "bin" / "aws-encryption-cli"
CONTEXT = {"purpose": "ledger"}


@pytest.fixture
def endpoint(server, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", server.url)
    return server.url


def provider(*arns):
    return StrictAwsKmsMasterKeyProvider(key_ids=list(arns), botocore_session=botocore.session.Session())


@pytest.mark.parametrize("length", [0, 1, 5000, 1 << 20])
def test_messages_of_the_sdk(endpoint, key, length):
    client, plaintext = aws_encryption_sdk.EncryptionSDKClient(), os.urandom(length)
    sealed, _ = client.encrypt(source=plaintext, key_provider=provider(key["Arn"]), encryption_context=CONTEXT)
    opened, header = client.decrypt(source=sealed, key_provider=provider(key["Arn"]))
    assert opened == plaintext
    assert header.encryption_context["purpose"] == "ledger" and "aws-crypto-public-key" in header.encryption_context


def test_any_of_two_keys_opens(endpoint, key, make_key):
    other = make_key()
    client = aws_encryption_sdk.EncryptionSDKClient()
    sealed, _ = client.encrypt(source=b"two", key_provider=provider(key["Arn"], other))
    for arn in (key["Arn"], other):
        assert client.decrypt(source=sealed, key_provider=provider(arn))[0] == b"two"
    with pytest.raises(AWSEncryptionSDKClientError):
        client.decrypt(source=sealed, key_provider=provider(make_key()))


def test_what_one_region_sealed_another_opens_with_its_replica(endpoint, client_for):
    """The providers that know multi-Region keys: the same `mrk-` id, each client in its own Region."""
    here, west = client_for("us-east-1"), client_for("eu-west-1")
    primary = here.create_key(MultiRegion=True)["KeyMetadata"]["Arn"]
    replica = here.replicate_key(KeyId=primary, ReplicaRegion="eu-west-1")["ReplicaKeyMetadata"]["Arn"]
    deadline = time.monotonic() + 30
    while west.describe_key(KeyId=replica)["KeyMetadata"]["KeyState"] != "Enabled":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    client = aws_encryption_sdk.EncryptionSDKClient()
    strict = lambda arn: MRKAwareStrictAwsKmsMasterKeyProvider(
        key_ids=[arn], botocore_session=botocore.session.Session()
    )
    discovery = lambda region: MRKAwareDiscoveryAwsKmsMasterKeyProvider(
        botocore_session=botocore.session.Session(),
        discovery_region=region,
        discovery_filter=DiscoveryFilter(account_ids=(primary.split(":")[4],), partition="aws"),
    )
    for maker, opener, region in ((primary, replica, "eu-west-1"), (replica, primary, "us-east-1")):
        sealed, _ = client.encrypt(source=b"moved", key_provider=strict(maker))
        assert client.decrypt(source=sealed, key_provider=strict(opener))[0] == b"moved"
        assert client.decrypt(source=sealed, key_provider=discovery(region))[0] == b"moved"
        with pytest.raises(AWSEncryptionSDKClientError):
            client.decrypt(source=sealed, key_provider=provider(opener))


def test_a_file_by_the_command_line(endpoint, key, tmp_path):
    plain, sealed, opened = (tmp_path / name for name in ("plain", "sealed", "opened"))
    plain.write_bytes(os.urandom(300_000))
    wrapping = [
        "--wrapping-keys",
        f"key={key['Arn']}",
        "--metadata-output",
        str(tmp_path / "metadata"),
        "--encryption-context",
        "purpose=ledger",
    ]
    for mode, source, target in (("--encrypt", plain, sealed), ("--decrypt", sealed, opened)):
        command = [str(CLI), mode, "--input", str(source), "--output", str(target), *wrapping]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done)
    assert opened.read_bytes() == plain.read_bytes() and plain.read_bytes()[:64] not in sealed.read_bytes()
