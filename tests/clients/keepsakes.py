"""What somebody keeps who used a key: one thing of each usage, and how it is checked with the same key elsewhere."""

import botocore.session
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

MESSAGE = b"attack at dawn"
ENCRYPT, SIGN, MAC = "ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC"
AGREE, ENCAPSULATE = "KEY_AGREEMENT", "ENCAPSULATE_DECAPSULATE"
USAGES = [
    ("SYMMETRIC_DEFAULT", [ENCRYPT]),
    ("RSA_", [ENCRYPT, SIGN]),
    ("ECC_NIST_P", [SIGN, AGREE]),
    ("ECC_", [SIGN]),
    ("ML_DSA_", [SIGN]),
    ("HMAC_", [MAC]),
    ("ML_KEM_", [ENCAPSULATE]),
]
# SM2 is of the Regions in China, which are a partition of their own.
SPECS = [spec for spec in botocore.session.Session().get_service_model("kms").shape_for("KeySpec").enum if spec != "SM2"]
# A spec that nothing is known about stops here.
KINDS = [
    (spec, usage) for spec in SPECS for usage in next(usages for prefix, usages in USAGES if spec.startswith(prefix))
]


def keep(kms, key):
    """Uses the key in one Region: its usage, and what is to be given to `holds`."""
    about = kms.describe_key(KeyId=key)["KeyMetadata"]
    usage = about["KeyUsage"]
    if usage == ENCRYPT:
        how = {"KeyId": key, "EncryptionAlgorithm": about["EncryptionAlgorithms"][-1]}
        return usage, how | {"CiphertextBlob": kms.encrypt(**how, Plaintext=MESSAGE)["CiphertextBlob"]}
    if usage == SIGN:
        algorithm = next(name for name in about["SigningAlgorithms"] if "_PH_" not in name)
        how = {"KeyId": key, "SigningAlgorithm": algorithm, "Message": MESSAGE}
        return usage, how | {"Signature": kms.sign(**how)["Signature"]}
    if usage == MAC:
        how = {"KeyId": key, "MacAlgorithm": about["MacAlgorithms"][0], "Message": MESSAGE}
        return usage, how | {"Mac": kms.generate_mac(**how)["Mac"]}
    if usage == AGREE:
        public = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
        peer = ec.generate_private_key(public.curve)
        der = peer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        how = {"KeyId": key, "KeyAgreementAlgorithm": "ECDH", "PublicKey": der}
        return usage, (how, peer.exchange(ec.ECDH(), public))
    assert usage == ENCAPSULATE
    made = kms.encapsulate(KeyId=key, EncapsulationAlgorithm="ML_KEM")
    return usage, (made["SharedSecretCiphertextBlob"], made["SharedSecret"])


def holds(kms, key, kept):
    """Whether the key, in another Region or later, still opens, verifies or agrees."""
    usage, kept = kept
    if usage == ENCRYPT:
        return kms.decrypt(**kept)["Plaintext"] == MESSAGE
    if usage == SIGN:
        return kms.verify(**kept)["SignatureValid"]
    if usage == MAC:
        return kms.verify_mac(**kept)["MacValid"]
    if usage == AGREE:
        how, secret = kept
        return kms.derive_shared_secret(**how)["SharedSecret"] == secret
    assert usage == ENCAPSULATE
    capsule, secret = kept
    how = {"KeyId": key, "EncapsulationAlgorithm": "ML_KEM", "SharedSecretCiphertextBlob": capsule}
    return kms.decapsulate(**how)["SharedSecret"] == secret
