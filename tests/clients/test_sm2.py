"""SM2 keys, which AWS has in China only, checked with OpenSSL."""

import subprocess

import pytest

from expect import refused

DISTID = "distid:1234567812345678"


@pytest.fixture(scope="module")
def china(client_for):
    return client_for(region="cn-north-1")


def openssl(*arguments, cwd):
    return subprocess.run(["openssl", *arguments], cwd=cwd, capture_output=True, check=False)


def make(china, usage, folder):
    arn = china.create_key(KeySpec="SM2", KeyUsage=usage)["KeyMetadata"]["Arn"]
    assert arn.startswith("arn:aws-cn:kms:cn-north-1:")
    (folder / "public.der").write_bytes(china.get_public_key(KeyId=arn)["PublicKey"])
    return arn


def test_sm2_is_offered_in_china_only(kms):
    with refused("UnsupportedOperationException"):
        kms.create_key(KeySpec="SM2", KeyUsage="SIGN_VERIFY")


def test_signatures_are_valid_elsewhere(china, tmp_path):
    arn = make(china, "SIGN_VERIFY", tmp_path)
    given = {"KeyId": arn, "SigningAlgorithm": "SM2DSA", "Message": b"ledger"}
    signature = china.sign(**given)["Signature"]
    assert china.verify(Signature=signature, **given)["SignatureValid"] is True
    (tmp_path / "message").write_bytes(b"ledger")
    (tmp_path / "signature").write_bytes(signature)
    command = [
        "pkeyutl",
        "-verify",
        "-pubin",
        "-keyform",
        "DER",
        "-inkey",
        "public.der",
        "-rawin",
        "-digest",
        "sm3",
        "-in",
        "message",
        "-sigfile",
        "signature",
        "-pkeyopt",
        DISTID,
    ]
    verdict = openssl(*command, cwd=tmp_path)
    assert verdict.returncode == 0, verdict
    (tmp_path / "message").write_bytes(b"ledges")
    assert openssl(*command, cwd=tmp_path).returncode != 0


def test_ciphertexts_made_elsewhere_open(china, tmp_path):
    arn = make(china, "ENCRYPT_DECRYPT", tmp_path)
    (tmp_path / "plain").write_bytes(b"made elsewhere")
    made = openssl(
        "pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", "public.der", "-in", "plain", cwd=tmp_path
    )
    assert made.returncode == 0, made
    given = {"KeyId": arn, "EncryptionAlgorithm": "SM2PKE"}
    assert china.decrypt(CiphertextBlob=made.stdout, **given)["Plaintext"] == b"made elsewhere"
    sealed = china.encrypt(Plaintext=b"made here", **given)["CiphertextBlob"]
    assert china.decrypt(CiphertextBlob=sealed, **given)["Plaintext"] == b"made here"
