"""Signing, RSA encryption and data key pairs: every spec with every algorithm, each answer checked elsewhere."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import independent
from expect import refused

RSA = ["RSA_2048", "RSA_3072", "RSA_4096"]
RSA_SIGNING = [f"RSASSA_{scheme}_SHA_{size}" for scheme in ("PSS", "PKCS1_V1_5") for size in (256, 384, 512)]
RSA_ENCRYPTION = ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]
SIGNING = {
    **{spec: RSA_SIGNING for spec in RSA},
    "ECC_NIST_P256": ["ECDSA_SHA_256"],
    "ECC_NIST_P384": ["ECDSA_SHA_384"],
    "ECC_NIST_P521": ["ECDSA_SHA_512"],
    "ECC_SECG_P256K1": ["ECDSA_SHA_256"],
    "ECC_NIST_EDWARDS25519": ["ED25519_SHA_512", "ED25519_PH_SHA_512"],
    "ML_DSA_44": ["ML_DSA_SHAKE_256"],
    "ML_DSA_65": ["ML_DSA_SHAKE_256"],
    "ML_DSA_87": ["ML_DSA_SHAKE_256"],
}
PAIRS = [(spec, algorithm) for spec, algorithms in SIGNING.items() for algorithm in algorithms]
LENGTHS = {
    "ECC_NIST_EDWARDS25519": 64,
    "ML_DSA_44": 2420,
    "ML_DSA_65": 3309,
    "ML_DSA_87": 4627,
    "RSA_2048": 256,
    "RSA_3072": 384,
    "RSA_4096": 512,
}
OAEP_LIMITS = {
    ("RSA_2048", 1): 214,
    ("RSA_2048", 256): 190,
    ("RSA_3072", 1): 342,
    ("RSA_3072", 256): 318,
    ("RSA_4096", 1): 470,
    ("RSA_4096", 256): 446,
}
MESSAGE = b"the reeve's ledger " * 7


@pytest.fixture(scope="module")
def keys(kms):
    """Keys by spec and usage, made once: RSA key generation is slow."""
    made = {}

    def find(spec, usage="SIGN_VERIFY"):
        if (spec, usage) not in made:
            arn = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"]
            made[spec, usage] = arn, independent.load(spec, kms.get_public_key(KeyId=arn)["PublicKey"])
        return made[spec, usage]

    return find


@pytest.mark.parametrize("spec", SIGNING)
def test_public_keys_and_metadata(kms, keys, spec):
    arn, _ = keys(spec)
    answer = kms.get_public_key(KeyId=arn)
    assert (answer["KeyId"], answer["KeySpec"], answer["CustomerMasterKeySpec"]) == (arn, spec, spec)
    assert answer["KeyUsage"] == "SIGN_VERIFY" and "EncryptionAlgorithms" not in answer
    assert sorted(answer["SigningAlgorithms"]) == sorted(SIGNING[spec])
    metadata = kms.describe_key(KeyId=arn)["KeyMetadata"]
    assert metadata["SigningAlgorithms"] == answer["SigningAlgorithms"]
    assert "CurrentKeyMaterialId" not in metadata and "EncryptionAlgorithms" not in metadata


@pytest.mark.parametrize("spec, algorithm", PAIRS)
def test_signatures_are_valid_elsewhere(kms, keys, spec, algorithm):
    arn, public = keys(spec)
    given = {"KeyId": arn, "SigningAlgorithm": algorithm, "MessageType": "RAW", "Message": MESSAGE}
    if algorithm == "ED25519_PH_SHA_512":
        given |= {"MessageType": "DIGEST", "Message": independent.digest(algorithm, MESSAGE)}
    answer = kms.sign(**given)
    signature = answer["Signature"]
    assert (answer["KeyId"], answer["SigningAlgorithm"]) == (arn, algorithm)
    assert len(signature) == LENGTHS.get(spec, len(signature))
    assert independent.is_valid(public, algorithm, signature, MESSAGE)
    assert not independent.is_valid(public, algorithm, signature, MESSAGE + b"!")
    assert kms.verify(Signature=signature, **given)["SignatureValid"] is True
    for wrong in (
        bytes([signature[0] ^ 1]) + signature[1:],
        signature[:-1] + bytes([signature[-1] ^ 1]),
        signature[:-1],
        b"x",
    ):
        with refused("KMSInvalidSignatureException", None):
            kms.verify(Signature=wrong, **given)
    with refused("DryRunOperationException"):
        kms.sign(DryRun=True, **given)


@pytest.mark.parametrize("spec, algorithm", [pair for pair in PAIRS if pair[1].startswith(("RSASSA", "ECDSA"))])
def test_a_digest_signs_like_its_message(kms, keys, spec, algorithm):
    arn, public = keys(spec)
    digest = independent.digest(algorithm, MESSAGE)
    signature = kms.sign(KeyId=arn, SigningAlgorithm=algorithm, MessageType="DIGEST", Message=digest)["Signature"]
    assert independent.is_valid(public, algorithm, signature, MESSAGE)
    with refused("ValidationException", f"Digest is invalid length for algorithm {algorithm}."):
        kms.sign(KeyId=arn, SigningAlgorithm=algorithm, MessageType="DIGEST", Message=digest[:-1])


@pytest.mark.parametrize("spec", independent.ML_DSA)
def test_external_mu_and_raw_verify_each_other(kms, keys, spec):
    arn, public = keys(spec)
    given = {"KeyId": arn, "SigningAlgorithm": "ML_DSA_SHAKE_256"}
    mu = independent.mu(public, MESSAGE)
    by_mu = kms.sign(MessageType="EXTERNAL_MU", Message=mu, **given)["Signature"]
    assert independent.is_valid(public, "ML_DSA_SHAKE_256", by_mu, MESSAGE)
    assert kms.verify(MessageType="RAW", Message=MESSAGE, Signature=by_mu, **given)["SignatureValid"]
    raw = kms.sign(Message=MESSAGE, **given)["Signature"]
    assert kms.verify(MessageType="EXTERNAL_MU", Message=mu, Signature=raw, **given)["SignatureValid"]
    assert raw != kms.sign(Message=MESSAGE, **given)["Signature"]
    with refused("ValidationException"):
        kms.sign(MessageType="EXTERNAL_MU", Message=mu[:-1], **given)
    with refused("ValidationException"):
        kms.sign(MessageType="DIGEST", Message=mu, **given)


@pytest.mark.parametrize("kind, algorithm", [("RAW", "ED25519_SHA_512"), ("DIGEST", "ED25519_PH_SHA_512")])
def test_ed25519_is_deterministic(kms, keys, kind, algorithm):
    arn, _ = keys("ECC_NIST_EDWARDS25519")
    given = {"KeyId": arn, "SigningAlgorithm": algorithm, "MessageType": kind, "Message": bytes(64)}
    assert kms.sign(**given)["Signature"] == kms.sign(**given)["Signature"]


@pytest.mark.parametrize(
    "spec, algorithm, kind, message",
    [
        (
            "ECC_NIST_EDWARDS25519",
            "ED25519_PH_SHA_512",
            "RAW",
            "Message type RAW is incompatible with algorithm ED25519_PH_SHA_512.",
        ),
        (
            "ECC_NIST_EDWARDS25519",
            "ED25519_SHA_512",
            "DIGEST",
            "Message type DIGEST is incompatible with algorithm ED25519_SHA_512.",
        ),
        (
            "ECC_NIST_P256",
            "ECDSA_SHA_256",
            "EXTERNAL_MU",
            "Message type EXTERNAL_MU is incompatible with key spec ECC_NIST_P256.",
        ),
    ],
)
def test_message_types_that_do_not_fit(kms, keys, spec, algorithm, kind, message):
    with refused("ValidationException", message):
        kms.sign(KeyId=keys(spec)[0], SigningAlgorithm=algorithm, MessageType=kind, Message=bytes(64))


def test_algorithms_that_do_not_fit_the_spec(kms, keys):
    arn, _ = keys("ECC_NIST_P256")
    with refused(
        "InvalidKeyUsageException", "Algorithm RSASSA_PSS_SHA_256 is incompatible with key spec ECC_NIST_P256."
    ):
        kms.sign(KeyId=arn, SigningAlgorithm="RSASSA_PSS_SHA_256", Message=MESSAGE)


@pytest.mark.parametrize("spec", RSA)
@pytest.mark.parametrize("algorithm", RSA_ENCRYPTION)
def test_rsa_encryption_both_ways(kms, keys, spec, algorithm):
    arn, public = keys(spec, "ENCRYPT_DECRYPT")
    limit = OAEP_LIMITS[spec, int(algorithm.rsplit("_", 1)[1])]
    longest = bytes(range(256)) * 2
    sealed = kms.encrypt(KeyId=arn, Plaintext=longest[:limit], EncryptionAlgorithm=algorithm)
    assert len(sealed["CiphertextBlob"]) == LENGTHS[spec] and sealed["EncryptionAlgorithm"] == algorithm
    for blob, plaintext in [
        (sealed["CiphertextBlob"], longest[:limit]),
        (public.encrypt(b"made elsewhere", independent.oaep(algorithm)), b"made elsewhere"),
    ]:
        opened = kms.decrypt(KeyId=arn, CiphertextBlob=blob, EncryptionAlgorithm=algorithm)
        assert (opened["Plaintext"], opened["KeyId"]) == (plaintext, arn) and "KeyMaterialId" not in opened
    too_long = f"Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {limit} bytes."
    with refused("ValidationException", too_long):
        kms.encrypt(KeyId=arn, Plaintext=longest[: limit + 1], EncryptionAlgorithm=algorithm)


def test_rsa_decryption_refuses_as_aws_does(kms, keys):
    arn, _ = keys("RSA_2048", "ENCRYPT_DECRYPT")
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256")["CiphertextBlob"]
    with refused("InvalidCiphertextException", None):
        kms.decrypt(KeyId=arn, CiphertextBlob=blob)
    with refused("InvalidCiphertextException", None):
        kms.decrypt(KeyId=arn, CiphertextBlob=blob, EncryptionAlgorithm="RSAES_OAEP_SHA_1")
    with refused("ValidationException", "KeyId must not be null"):
        kms.decrypt(CiphertextBlob=blob, EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    with refused(
        "ValidationException", "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs."
    ):
        kms.encrypt(KeyId=arn, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256", EncryptionContext={"a": "b"})


def test_re_encrypt_between_rsa_and_symmetric(kms, keys, key):
    arn, _ = keys("RSA_2048", "ENCRYPT_DECRYPT")
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"cross")["CiphertextBlob"]
    there = kms.re_encrypt(
        CiphertextBlob=blob, DestinationKeyId=arn, DestinationEncryptionAlgorithm="RSAES_OAEP_SHA_256"
    )
    assert there["SourceKeyMaterialId"] == key["CurrentKeyMaterialId"] and "DestinationKeyMaterialId" not in there
    back = kms.re_encrypt(
        CiphertextBlob=there["CiphertextBlob"],
        SourceKeyId=arn,
        SourceEncryptionAlgorithm="RSAES_OAEP_SHA_256",
        DestinationKeyId=key["KeyId"],
    )
    assert "SourceKeyMaterialId" not in back
    assert kms.decrypt(CiphertextBlob=back["CiphertextBlob"])["Plaintext"] == b"cross"


@pytest.mark.parametrize("spec", ["RSA_2048", "RSA_3072", "RSA_4096", *independent.CURVES, "ECC_NIST_EDWARDS25519"])
def test_data_key_pairs(kms, key, spec):
    context = {"a": "b"}
    made = kms.generate_data_key_pair(KeyId=key["KeyId"], KeyPairSpec=spec, EncryptionContext=context)
    assert (made["KeyId"], made["KeyPairSpec"], made["KeyMaterialId"]) == (
        key["Arn"],
        spec,
        key["CurrentKeyMaterialId"],
    )
    public = independent.load(spec, made["PublicKey"])
    private = serialization.load_der_private_key(made["PrivateKeyPlaintext"], None)
    assert private.public_key() == public
    opened = kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"], EncryptionContext=context)
    assert opened["Plaintext"] == made["PrivateKeyPlaintext"]
    sealed = kms.generate_data_key_pair_without_plaintext(KeyId=key["KeyId"], KeyPairSpec=spec)
    assert "PrivateKeyPlaintext" not in sealed
    hidden = kms.decrypt(CiphertextBlob=sealed["PrivateKeyCiphertextBlob"])["Plaintext"]
    assert serialization.load_der_private_key(hidden, None).public_key() == independent.load(spec, sealed["PublicKey"])


@pytest.mark.parametrize(
    "parameters, code, message",
    [
        (
            {"KeySpec": "RSA_2048"},
            "ValidationException",
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
        ),
        (
            {"KeySpec": "HMAC_256"},
            "ValidationException",
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
        ),
        (
            {"KeySpec": "RSA_2048", "KeyUsage": "KEY_AGREEMENT"},
            "ValidationException",
            "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048",
        ),
        (
            {"KeySpec": "ML_DSA_44", "KeyUsage": "ENCRYPT_DECRYPT"},
            "ValidationException",
            "KeyUsage ENCRYPT_DECRYPT is not compatible with KeySpec ML_DSA_44",
        ),
        (
            {"KeySpec": "RSA_2048", "CustomerMasterKeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"},
            "ValidationException",
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.",
        ),
    ],
)
def test_specs_and_usages_that_do_not_fit(kms, parameters, code, message):
    with refused(code, message):
        kms.create_key(**parameters)


def test_usages_that_do_not_fit_the_operation(kms, keys, key):
    arn, _ = keys("ECC_NIST_P256")
    with refused("InvalidKeyUsageException", f"{arn} key usage is SIGN_VERIFY which is not valid for Encrypt."):
        kms.encrypt(KeyId=arn, Plaintext=b"x")
    with refused("InvalidKeyUsageException", f"{key['Arn']} key usage is ENCRYPT_DECRYPT which is not valid for Sign."):
        kms.sign(KeyId=key["Arn"], Message=b"x", SigningAlgorithm="ECDSA_SHA_256")
    with refused("UnsupportedOperationException", None):
        kms.get_public_key(KeyId=key["Arn"])


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"])
def test_ecdh_agrees_with_the_peer(kms, keys, spec):
    arn, public = keys(spec, "KEY_AGREEMENT")
    peer = ec.generate_private_key(independent.CURVES[spec]())
    der = lambda key: key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    given = {"KeyId": arn, "KeyAgreementAlgorithm": "ECDH"}
    answer = kms.derive_shared_secret(PublicKey=der(peer.public_key()), **given)
    assert answer["SharedSecret"] == peer.exchange(ec.ECDH(), public)
    assert (answer["KeyId"], answer["KeyAgreementAlgorithm"], answer["KeyOrigin"]) == (arn, "ECDH", "AWS_KMS")
    stranger = ec.generate_private_key(ec.SECP256K1()).public_key()
    for wrong in (der(stranger), der(peer.public_key())[:-1], b"x"):
        with refused("ValidationException", None):
            kms.derive_shared_secret(PublicKey=wrong, **given)


def test_our_own_checker_knows_the_vector_of_the_rfc():
    independent.ed25519ph.self_test()
