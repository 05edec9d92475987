"""`keyreeve key import`: the ceremony from the command line, for every kind of key, checked with the library
`cryptography`: what the key then does, only the material in the file can have done."""

import base64
import datetime
import hmac
import json
import os
import pathlib
import sys
import uuid

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

import command
from paper_kms import ARN, PaperKms

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))
import blob_ref


@pytest.fixture
def import_key(server):
    """Runs the command; answers with its JSON."""

    def run(key, material, *arguments, fails=False, **more):
        question = ("key", "import", "--key-id", key, "--material", material, *arguments)
        if not {"--expires", "--does-not-expire"} & set(arguments):
            question += ("--does-not-expire",)
        said = command.run(server.url, *question, *([] if fails else ["--json"]), fails=fails, **more)
        return said[1] if fails else json.loads(said)

    return run


@pytest.fixture
def external(kms):
    """Makes a key that waits for its material: its ARN."""

    def make(spec="SYMMETRIC_DEFAULT", usage="ENCRYPT_DECRYPT"):
        metadata = kms.create_key(KeySpec=spec, KeyUsage=usage, Origin="EXTERNAL")["KeyMetadata"]
        assert metadata["KeyState"] == "PendingImport"
        return metadata["Arn"]

    return make


@pytest.fixture
def file(tmp_path):
    """Writes a file that only its owner may read."""

    def write(content, name="material"):
        path = tmp_path / name
        path.write_bytes(content)
        path.chmod(0o600)
        return path

    return write


def pkcs8(key, encoding=Encoding.PEM, encryption=NoEncryption(), form=PrivateFormat.PKCS8):
    return key.private_bytes(encoding, form, encryption)


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("raw", bytes),
        ("hex", lambda material: material.hex().encode() + b"\n"),
        ("base64", base64.encodebytes),
    ],
)
def test_a_symmetric_key_is_the_material_of_the_file(kms, external, import_key, file, form, written):
    key, material = external(), os.urandom(32)
    done = import_key(key, file(written(material)))
    assert (done["KeyId"], done["WrappingAlgorithm"], done["KeyState"]) == (key, "RSAES_OAEP_SHA_256", "Enabled")
    assert done["AwaitsRotation"] is False
    key_id = uuid.UUID(key.rsplit("/", 1)[1]).bytes
    assert done["KeyMaterialId"] == blob_ref.material_id(material, key_id).hex()
    sealed = kms.encrypt(KeyId=key, Plaintext=b"hello", EncryptionContext={"a": "b"})["CiphertextBlob"]
    assert blob_ref.open_blob(material, key_id, {"a": "b"}, sealed) == b"hello"


def test_an_hmac_key_is_the_material_of_the_file(kms, external, import_key, file):
    key, material = external("HMAC_256", "GENERATE_VERIFY_MAC"), os.urandom(48)
    text = file(material.hex().encode())
    # 96 digits are raw bytes of an HMAC key as well.
    assert "say which by --format" in import_key(key, text, fails=True)
    done = import_key(key, text, "--format", "hex")
    assert done["KeyMaterialId"] is None
    mac = kms.generate_mac(KeyId=key, Message=b"message", MacAlgorithm="HMAC_SHA_256")["Mac"]
    assert mac == hmac.digest(material, b"message", "sha256")


@pytest.mark.parametrize("spec", ["RSA_2048", "RSA_3072", "RSA_4096"])
@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_an_rsa_key_is_the_one_of_the_file(kms, external, import_key, file, spec, encoding):
    key, private = external(spec, "SIGN_VERIFY"), rsa.generate_private_key(65537, int(spec[4:]))
    assert import_key(key, file(pkcs8(private, encoding)))["WrappingAlgorithm"] == "RSA_AES_KEY_WRAP_SHA_256"
    spki = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert kms.get_public_key(KeyId=key)["PublicKey"] == spki
    signed = kms.sign(KeyId=key, Message=b"message", SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256")["Signature"]
    private.public_key().verify(signed, b"message", padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    ("spec", "curve", "algorithm", "hash_function"),
    [
        ("ECC_NIST_P256", ec.SECP256R1, "ECDSA_SHA_256", hashes.SHA256),
        ("ECC_NIST_P384", ec.SECP384R1, "ECDSA_SHA_384", hashes.SHA384),
        ("ECC_NIST_P521", ec.SECP521R1, "ECDSA_SHA_512", hashes.SHA512),
        ("ECC_SECG_P256K1", ec.SECP256K1, "ECDSA_SHA_256", hashes.SHA256),
    ],
)
def test_an_elliptic_curve_key_is_the_one_of_the_file(
    kms, external, import_key, file, spec, curve, algorithm, hash_function
):
    key, private = external(spec, "SIGN_VERIFY"), ec.generate_private_key(curve())
    assert import_key(key, file(pkcs8(private)))["WrappingAlgorithm"] == "RSAES_OAEP_SHA_256"
    signed = kms.sign(KeyId=key, Message=b"message", SigningAlgorithm=algorithm)["Signature"]
    private.public_key().verify(signed, b"message", ec.ECDSA(hash_function()))


def test_an_ed25519_key_is_the_one_of_the_file(kms, external, import_key, file):
    key, private = external("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"), ed25519.Ed25519PrivateKey.generate()
    import_key(key, file(pkcs8(private)))
    signed = kms.sign(KeyId=key, Message=b"message", SigningAlgorithm="ED25519_SHA_512")["Signature"]
    private.public_key().verify(signed, b"message")


def test_expiry_and_description_are_what_was_said(kms, external, import_key, file):
    key, material = external(), file(os.urandom(32))
    day = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30)).date()
    import_key(key, material, "--expires", day.isoformat(), "--description", "from the vault")
    metadata = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert metadata["ExpirationModel"] == "KEY_MATERIAL_EXPIRES"
    assert metadata["ValidTo"] == datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC)
    materials = kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert [one["KeyMaterialDescription"] for one in materials] == ["from the vault"]
    # The same material again, for ever.
    import_key(key, material, "--existing")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["ExpirationModel"] == "KEY_MATERIAL_DOES_NOT_EXPIRE"
    assert "ValidationException" in import_key(key, material, "--expires", "2001-01-01", fails=True)


def test_a_further_material_waits_for_its_rotation(server, kms, external, import_key, file):
    key = external()
    first = import_key(key, file(os.urandom(32)))
    other = file(os.urandom(32), "second")
    assert "IncorrectKeyMaterialException" in import_key(key, other, "--existing", fails=True)
    second = import_key(key, other, "--new")
    assert second["AwaitsRotation"] is True and second["KeyMaterialId"] != first["KeyMaterialId"]
    said = command.run(
        server.url, "key", "import", "--key-id", key, "--material", other, "--existing", "--does-not-expire"
    )
    assert f"aws kms rotate-key-on-demand --key-id {key}" in said


def test_a_key_that_makes_its_own_material_is_refused(key, import_key, file):
    error = import_key(key["Arn"], file(os.urandom(32)), fails=True)
    assert f"{key['Arn']} has origin AWS_KMS" in error
    assert "aws kms create-key --origin EXTERNAL --key-spec SYMMETRIC_DEFAULT" in error


def test_material_of_another_kind_never_leaves(external, import_key, file):
    """Each is refused before anything is wrapped."""
    symmetric, signing = external(), external("ECC_NIST_P256", "SIGN_VERIFY")
    private = ec.generate_private_key(ec.SECP256R1())
    legacy = pkcs8(private, form=PrivateFormat.TraditionalOpenSSL)
    locked = pkcs8(private, encryption=BestAvailableEncryption(b"password"))
    for key, content, sentence in [
        (symmetric, os.urandom(31), "SYMMETRIC_DEFAULT takes 32 bytes of key material; the file holds 31 bytes"),
        (symmetric, pkcs8(private), "SYMMETRIC_DEFAULT takes 32 bytes of key material"),
        (symmetric, bytes(70_000), "longer than any key material"),
        (signing, bytes(16), "a private key in PKCS#8"),
        (signing, legacy, "it holds `EC PRIVATE KEY`"),
        (signing, locked, "it holds `ENCRYPTED PRIVATE KEY`"),
    ]:
        error = import_key(key, file(content), fails=True)
        assert sentence in error, error


def test_a_file_that_others_may_read_is_warned_of(server, external, file):
    key, material = external(), file(os.urandom(32))
    material.chmod(0o644)
    question = ("key", "import", "--key-id", key, "--material", material, "--does-not-expire")
    running = command.start(server.url, *question)
    said, error = running.communicate(timeout=120)
    assert running.returncode == 0 and said.startswith(f"Imported into {key}, wrapped by RSAES_OAEP_SHA_256.\n")
    assert f"chmod 600 {material}" in error


def test_validity_must_be_said(server, external, file):
    question = ("key", "import", "--key-id", external(), "--material", file(os.urandom(32)))
    _, error = command.run(server.url, *question, fails=True)
    assert "--does-not-expire" in error and "--expires" in error


@pytest.mark.parametrize(
    ("spec", "material", "algorithm"),
    [
        ("SYMMETRIC_DEFAULT", os.urandom(32), "RSAES_OAEP_SHA_256"),
        ("HMAC_512", os.urandom(128), "RSAES_OAEP_SHA_256"),
        ("ECC_NIST_P521", pkcs8(ec.generate_private_key(ec.SECP521R1()), Encoding.DER), "RSAES_OAEP_SHA_256"),
        ("RSA_4096", pkcs8(rsa.generate_private_key(65537, 4096), Encoding.DER), "RSA_AES_KEY_WRAP_SHA_256"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_kms_unwraps_what_is_wrapped_here(file, spec, material, algorithm):
    kms = PaperKms(spec, faults=[(400, "ThrottlingException")])
    try:
        question = ("key", "import", "--key-id", "alias/mine", "--material", file(material), "--expires")
        command.run(kms.url, *question, "2027-01-31T12:00:00Z", "--new")
        order = {"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": 1801396800, "ImportType": "NEW_KEY_MATERIAL"}
        assert kms.imported == (material, algorithm, order)
        assert all(question["KeyId"] in ("alias/mine", ARN) for _, question in kms.asked)
    finally:
        kms.close()
