"""Imported key material: OpenSSL's command line and Python's `cryptography` wrap it, boto3 imports it, and a use proves it.

Every wrapping algorithm, wrapping key and key spec that AWS allows together is walked, by both tools.
"""

import datetime
import functools
import hmac
import os
import subprocess
import sys

import botocore.auth
import pytest
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from connect import make_client
from expect import refused
from server import ROOT

sys.path.insert(0, str(ROOT / "tests" / "oracle"))
import blob_ref  # noqa: E402

RSA_SPECS = ("RSA_2048", "RSA_3072", "RSA_4096")
OAEP = {"RSAES_OAEP_SHA_1": hashes.SHA1(), "RSAES_OAEP_SHA_256": hashes.SHA256()}
TWO_STEPS = {"RSA_AES_KEY_WRAP_SHA_1": hashes.SHA1(), "RSA_AES_KEY_WRAP_SHA_256": hashes.SHA256()}
CURVES = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}
HMACS = {"HMAC_224": "sha224", "HMAC_256": "sha256", "HMAC_384": "sha384", "HMAC_512": "sha512"}
USAGES = {"SYMMETRIC_DEFAULT": "ENCRYPT_DECRYPT", "SM2": "SIGN_VERIFY", "ECC_NIST_EDWARDS25519": "SIGN_VERIFY"}
FOR_GOOD = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}


def usage_of(spec):
    return "GENERATE_VERIFY_MAC" if spec in HMACS else USAGES.get(spec, "SIGN_VERIFY")


def combinations():
    """The table of what wraps what, as the developer guide and captures have it."""
    for wrapping in RSA_SPECS:
        for algorithm in OAEP:
            yield from ((algorithm, wrapping, spec) for spec in ("SYMMETRIC_DEFAULT", *HMACS))
            for spec in (*CURVES, "ECC_NIST_EDWARDS25519"):
                if wrapping != "RSA_2048" or spec not in ("ECC_NIST_P521", "ECC_NIST_EDWARDS25519"):
                    yield algorithm, wrapping, spec
        for algorithm in TWO_STEPS:
            yield from ((algorithm, wrapping, spec) for spec in (*RSA_SPECS, *CURVES, "ECC_NIST_EDWARDS25519"))


def pkcs8(key):
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@functools.cache
def rsa_key(bits):
    """One of each size serves all tests: they take long."""
    return rsa.generate_private_key(65537, bits)


def new_material(spec):
    """Bytes to import, and the local key if it is a private one."""
    if spec == "SYMMETRIC_DEFAULT":
        return os.urandom(32), None
    if spec in HMACS:
        return os.urandom(64), None
    if spec == "ECC_NIST_EDWARDS25519":
        key = ed25519.Ed25519PrivateKey.generate()
    elif spec in CURVES:
        key = ec.generate_private_key(CURVES[spec])
    else:
        key = rsa_key(int(spec[4:]))
    return pkcs8(key), key


def run(*command, folder, data=None):
    done = subprocess.run(command, cwd=folder, input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def wrapped_by_openssl(algorithm, public_key, material, folder):
    """As AWS's guide shows it."""
    (folder / "public.der").write_bytes(public_key)
    (folder / "material").write_bytes(material)

    def encrypt(name, digest):
        options = ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", f"rsa_oaep_md:{digest}"]
        options += ["-pkeyopt", f"rsa_mgf1_md:{digest}"]
        command = ["openssl", "pkeyutl", "-encrypt", "-in", name, "-inkey", "public.der", "-keyform", "DER", "-pubin"]
        return run(*command, *options, folder=folder)

    if algorithm == "SM2PKE":
        command = ["openssl", "pkeyutl", "-encrypt", "-in", "material", "-inkey", "public.der", "-keyform", "DER"]
        return run(*command, "-pubin", "-pkeyopt", "digest:sm3", folder=folder)
    digest = "sha1" if algorithm.endswith("SHA_1") else "sha256"
    if algorithm in OAEP:
        return encrypt("material", digest)
    aes_key = os.urandom(32)
    (folder / "aes-key").write_bytes(aes_key)
    wrap = ["openssl", "enc", "-id-aes256-wrap-pad", "-K", aes_key.hex(), "-iv", "A65959A6", "-in", "material"]
    return encrypt("aes-key", digest) + run(*wrap, folder=folder)


def wrapped_by_cryptography(algorithm, public_key, material, _, aes_len=32):
    digest = {**OAEP, **TWO_STEPS}[algorithm]
    oaep = padding.OAEP(padding.MGF1(digest), digest, None)
    key = serialization.load_der_public_key(public_key)
    if algorithm in OAEP:
        return key.encrypt(material, oaep)
    aes_key = os.urandom(aes_len)
    return key.encrypt(aes_key, oaep) + keywrap.aes_key_wrap_with_padding(aes_key, material)


TOOLS = {"openssl": wrapped_by_openssl, "cryptography": wrapped_by_cryptography}


@pytest.fixture(scope="module")
def parameters(kms):
    """Keys that wait for material, and parameters for them."""

    def ask(spec, algorithm, wrapping, usage=None):
        made = kms.create_key(KeySpec=spec, KeyUsage=usage or usage_of(spec), Origin="EXTERNAL")["KeyMetadata"]
        given = kms.get_parameters_for_import(
            KeyId=made["KeyId"], WrappingAlgorithm=algorithm, WrappingKeySpec=wrapping
        )
        assert given["KeyId"] == made["Arn"]
        assert serialization.load_der_public_key(given["PublicKey"]).key_size == int(wrapping[4:])
        return made["Arn"], given

    return ask


def bring(kms, arn, given, wrapped, **others):
    return kms.import_key_material(
        KeyId=arn, ImportToken=given["ImportToken"], EncryptedKeyMaterial=wrapped, **(others or FOR_GOOD)
    )


def key_id_bytes(arn):
    return bytes.fromhex(arn.rsplit("/", 1)[1].replace("-", ""))


def prove(kms, arn, spec, material, key):
    """The key works with the material of its owner, and with no other."""
    if spec == "SYMMETRIC_DEFAULT":
        blob = kms.encrypt(KeyId=arn, Plaintext=b"attack at dawn")["CiphertextBlob"]
        assert blob_ref.open_blob(material, key_id_bytes(arn), {}, blob) == b"attack at dawn"
        made = blob_ref.seal(material, key_id_bytes(arn), {"a": "b"}, b"own", os.urandom(16), os.urandom(12))
        assert kms.decrypt(CiphertextBlob=made, EncryptionContext={"a": "b"})["Plaintext"] == b"own"
    elif spec in HMACS:
        mac = kms.generate_mac(KeyId=arn, Message=b"m", MacAlgorithm=spec.replace("_", "_SHA_"))["Mac"]
        assert mac == hmac.digest(material, b"m", HMACS[spec])
    else:
        prove_pair(kms, arn, spec, key)


def prove_pair(kms, arn, spec, key):
    local = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert kms.get_public_key(KeyId=arn)["PublicKey"] == local
    given = {"KeyId": arn, "Message": b"m", "MessageType": "RAW"}
    if spec == "ECC_NIST_EDWARDS25519":
        given["SigningAlgorithm"] = "ED25519_SHA_512"
        assert kms.sign(**given)["Signature"] == key.sign(b"m"), "it is deterministic"
    elif spec in CURVES:
        digest = {"ECC_NIST_P384": hashes.SHA384(), "ECC_NIST_P521": hashes.SHA512()}.get(spec, hashes.SHA256())
        given["SigningAlgorithm"] = f"ECDSA_SHA_{digest.digest_size * 8}"
        key.public_key().verify(kms.sign(**given)["Signature"], b"m", ec.ECDSA(digest))
        assert kms.verify(Signature=key.sign(b"m", ec.ECDSA(digest)), **given)["SignatureValid"]
    else:
        given["SigningAlgorithm"] = "RSASSA_PKCS1_V1_5_SHA_256"
        expected = key.sign(b"m", padding.PKCS1v15(), hashes.SHA256())
        assert kms.sign(**given)["Signature"] == expected, "it is deterministic"


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(("algorithm", "wrapping", "spec"), list(combinations()))
def test_every_wrapping_brings_every_kind_of_key(kms, parameters, tmp_path, algorithm, wrapping, spec, tool):
    arn, given = parameters(spec, algorithm, wrapping)
    material, key = new_material(spec)
    answer = bring(kms, arn, given, TOOLS[tool](algorithm, given["PublicKey"], material, tmp_path))
    if spec == "SYMMETRIC_DEFAULT":
        assert answer["KeyMaterialId"] == blob_ref.material_id(material, key_id_bytes(arn)).hex()
    else:
        assert "KeyMaterialId" not in answer
    prove(kms, arn, spec, material, key)


def test_imported_rsa_keys_decrypt_what_their_owner_encrypted(kms, parameters, tmp_path):
    arn, given = parameters("RSA_2048", "RSA_AES_KEY_WRAP_SHA_256", "RSA_4096", usage="ENCRYPT_DECRYPT")
    material, key = new_material("RSA_2048")
    bring(kms, arn, given, wrapped_by_openssl("RSA_AES_KEY_WRAP_SHA_256", given["PublicKey"], material, tmp_path))
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    sealed = key.public_key().encrypt(b"own", oaep)
    opened = kms.decrypt(KeyId=arn, CiphertextBlob=sealed, EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    assert opened["Plaintext"] == b"own"


@pytest.mark.parametrize("aes_len", [16, 24, 32])
def test_the_middle_key_may_be_any_aes_key(kms, parameters, aes_len):
    arn, given = parameters("ECC_NIST_P256", "RSA_AES_KEY_WRAP_SHA_256", "RSA_2048")
    material, key = new_material("ECC_NIST_P256")
    wrapped = wrapped_by_cryptography(
        "RSA_AES_KEY_WRAP_SHA_256", given["PublicKey"], material, None, aes_len=aes_len
    )
    bring(kms, arn, given, wrapped)
    prove(kms, arn, "ECC_NIST_P256", material, key)


@pytest.mark.parametrize("bits", [2048, 3072])
def test_an_rsa_key_of_another_size_is_no_key_of_the_spec(kms, parameters, bits):
    arn, given = parameters("RSA_4096", "RSA_AES_KEY_WRAP_SHA_256", "RSA_2048")
    material, _ = new_material(f"RSA_{bits}")
    wrapped = wrapped_by_cryptography("RSA_AES_KEY_WRAP_SHA_256", given["PublicKey"], material, None)
    with refused("InvalidCiphertextException", None):
        bring(kms, arn, given, wrapped)


def test_an_rsa_key_with_another_exponent_is_refused(kms, parameters):
    arn, given = parameters("RSA_2048", "RSA_AES_KEY_WRAP_SHA_256", "RSA_2048")
    odd = pkcs8(rsa.generate_private_key(3, 2048))
    wrapped = wrapped_by_cryptography("RSA_AES_KEY_WRAP_SHA_256", given["PublicKey"], odd, None)
    with refused("InvalidCiphertextException", None):
        bring(kms, arn, given, wrapped)


@pytest.mark.parametrize(
    ("algorithm", "wrapping", "spec"),
    [
        ("RSAES_PKCS1_V1_5", "RSA_2048", "SYMMETRIC_DEFAULT"),
        ("RSA_AES_KEY_WRAP_SHA_256", "RSA_2048", "SYMMETRIC_DEFAULT"),
        ("RSAES_OAEP_SHA_256", "RSA_4096", "RSA_2048"),
        ("RSAES_OAEP_SHA_256", "RSA_2048", "ECC_NIST_P521"),
        ("RSA_AES_KEY_WRAP_SHA_1", "RSA_3072", "HMAC_256"),
    ],
)
def test_an_impossible_wrapping_is_refused_in_awss_words(kms, algorithm, wrapping, spec):
    arn = kms.create_key(KeySpec=spec, KeyUsage=usage_of(spec), Origin="EXTERNAL")["KeyMetadata"]["Arn"]
    text = f"Wrapping algorithm {algorithm} and wrapping key spec {wrapping} cannot be used to import a {spec} key."
    with refused("ValidationException", text):
        kms.get_parameters_for_import(KeyId=arn, WrappingAlgorithm=algorithm, WrappingKeySpec=wrapping)


@pytest.fixture(scope="module")
def china(client_for):
    return client_for(region="cn-north-1")


class TestChina:
    """SM2PKE, which AWS has in China only."""

    def parameters(self, china, spec, usage):
        arn = china.create_key(KeySpec=spec, KeyUsage=usage, Origin="EXTERNAL")["KeyMetadata"]["Arn"]
        return arn, china.get_parameters_for_import(KeyId=arn, WrappingAlgorithm="SM2PKE", WrappingKeySpec="SM2")

    def test_a_symmetric_key_comes_wrapped_by_openssl(self, china, tmp_path):
        arn, given = self.parameters(china, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
        material = os.urandom(32)
        bring(china, arn, given, wrapped_by_openssl("SM2PKE", given["PublicKey"], material, tmp_path))
        prove(china, arn, "SYMMETRIC_DEFAULT", material, None)

    def test_a_private_sm2_key_comes_wrapped_by_openssl(self, china, tmp_path):
        arn, given = self.parameters(china, "SM2", "SIGN_VERIFY")
        run("openssl", "genpkey", "-algorithm", "SM2", "-outform", "DER", "-out", "key.der", folder=tmp_path)
        convert = ["openssl", "pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER", "-in", "key.der"]
        material = run(*convert, folder=tmp_path)
        bring(china, arn, given, wrapped_by_openssl("SM2PKE", given["PublicKey"], material, tmp_path))
        public = ["openssl", "pkey", "-inform", "DER", "-in", "key.der", "-pubout", "-outform", "DER"]
        assert china.get_public_key(KeyId=arn)["PublicKey"] == run(*public, folder=tmp_path)

    def test_elsewhere_there_is_no_sm2(self, kms):
        arn = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["Arn"]
        with refused("UnsupportedOperationException"):
            kms.get_parameters_for_import(KeyId=arn, WrappingAlgorithm="SM2PKE", WrappingKeySpec="SM2")


class Imported:
    """A symmetric key whose material can be brought again and again."""

    def __init__(self, kms):
        self.kms = kms
        self.arn = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["Arn"]
        self.given = kms.get_parameters_for_import(
            KeyId=self.arn, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
        )

    def bring(self, material, **others):
        wrapped = wrapped_by_cryptography("RSAES_OAEP_SHA_256", self.given["PublicKey"], material, None)
        return bring(self.kms, self.arn, self.given, wrapped, **others)

    @property
    def metadata(self):
        return self.kms.describe_key(KeyId=self.arn)["KeyMetadata"]


@pytest.fixture
def imported(kms):
    return Imported(kms)


def test_a_life_of_importing_deleting_and_importing_again(kms, imported):
    material = os.urandom(32)
    first = imported.bring(material)["KeyMaterialId"]
    blob = kms.encrypt(KeyId=imported.arn, Plaintext=b"x")["CiphertextBlob"]
    assert kms.delete_imported_key_material(KeyId=imported.arn)["KeyMaterialId"] == first
    assert imported.metadata["KeyState"] == "PendingImport" and "ExpirationModel" not in imported.metadata
    with refused("KMSInvalidStateException", f"{imported.arn} is pending import."):
        kms.decrypt(CiphertextBlob=blob)
    with refused("IncorrectKeyMaterialException", f"Imported key material does not have the expected identifier ({first})."):
        imported.bring(os.urandom(32))
    assert imported.bring(material)["KeyMaterialId"] == first
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    second = imported.bring(os.urandom(32), ImportType="NEW_KEY_MATERIAL", **FOR_GOOD)["KeyMaterialId"]
    assert second != first and imported.metadata["CurrentKeyMaterialId"] == first


def test_tokens_of_another_key_are_invalid(kms, imported):
    other = Imported(kms)
    other.given["ImportToken"] = imported.given["ImportToken"]
    with refused("InvalidImportTokenException", None):
        other.bring(os.urandom(32))


class Clock:
    """Shifts the server's clock, and that by which boto3 signs."""

    def __init__(self, server, patch):
        self.server, self.patch, self.signer = server, patch, botocore.auth.get_current_datetime

    def shift(self, hours):
        moved = datetime.timedelta(hours=hours)
        self.server.shift(f"{hours:+}h")
        self.patch.setattr(botocore.auth, "get_current_datetime", lambda *given, **named: self.signer(*given, **named) + moved)


@pytest.fixture
def clock(clock_server, monkeypatch):
    return Clock(clock_server, monkeypatch)


def from_now(hours):
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)


def test_material_expires_at_its_moment_and_comes_back(clock_server, clock):
    kms = make_client(clock_server.url)
    key, material = Imported(kms), os.urandom(32)
    valid_to = from_now(12)
    key.bring(material, ValidTo=valid_to)
    assert key.metadata["ExpirationModel"] == "KEY_MATERIAL_EXPIRES"
    assert abs(key.metadata["ValidTo"] - valid_to) < datetime.timedelta(seconds=1)
    blob = kms.encrypt(KeyId=key.arn, Plaintext=b"x")["CiphertextBlob"]
    clock.shift(11)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    clock.shift(13)
    with refused("KMSInvalidStateException", f"{key.arn} is pending import."):
        kms.decrypt(CiphertextBlob=blob)
    assert key.metadata["KeyState"] == "PendingImport" and "ValidTo" not in key.metadata
    key.bring(material)
    assert key.metadata["ExpirationModel"] == "KEY_MATERIAL_DOES_NOT_EXPIRE"
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_a_token_expires_after_a_day(clock_server, clock):
    kms = make_client(clock_server.url)
    key, material = Imported(kms), os.urandom(32)
    assert abs(key.given["ParametersValidTo"] - from_now(24)) < datetime.timedelta(minutes=1)
    clock.shift(23)
    key.bring(material)
    clock.shift(25)
    with refused("ExpiredImportTokenException", None):
        key.bring(material)


def test_dates_beyond_a_year_or_in_the_past_are_refused(imported):
    with refused("ValidationException", "ValidTo must be in the future"):
        imported.bring(os.urandom(32), ValidTo=from_now(-1))
    with refused("ValidationException", "ValidTo must be less than 365 days in the future"):
        imported.bring(os.urandom(32), ValidTo=from_now(366 * 24))
    with refused("ValidationException", "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"):
        imported.bring(os.urandom(32), ExpirationModel="KEY_MATERIAL_EXPIRES")
