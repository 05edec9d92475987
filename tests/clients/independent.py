"""Signatures and public keys checked with libraries that the server does not use."""

import hashlib

import ed25519ph
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES = {
    "ECC_NIST_P256": ec.SECP256R1,
    "ECC_NIST_P384": ec.SECP384R1,
    "ECC_NIST_P521": ec.SECP521R1,
    "ECC_SECG_P256K1": ec.SECP256K1,
}
ML_DSA = {"ML_DSA_44": mldsa.MLDSA44PublicKey, "ML_DSA_65": mldsa.MLDSA65PublicKey, "ML_DSA_87": mldsa.MLDSA87PublicKey}


def hash_of(algorithm):
    return HASHES[algorithm.rsplit("_", 1)[1]]


def load(spec, der):
    """The public key, after checking that it is of that spec and in its one DER form."""
    key = load_der_public_key(der)
    if spec.startswith("RSA_"):
        assert isinstance(key, rsa.RSAPublicKey) and key.key_size == int(spec[4:]) and key.public_numbers().e == 65537
    elif spec in CURVES:
        assert isinstance(key.curve, CURVES[spec])
    elif spec in ML_DSA:
        assert isinstance(key, ML_DSA[spec])
    else:
        assert spec == "ECC_NIST_EDWARDS25519" and isinstance(key, ed25519.Ed25519PublicKey)
    assert key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == der
    return key


def is_valid(key, algorithm, signature, message):
    """Whether `signature` is one of `message` (whole, not hashed)."""
    try:
        if algorithm.startswith("RSASSA_PKCS1"):
            key.verify(signature, message, padding.PKCS1v15(), hash_of(algorithm))
        elif algorithm.startswith("RSASSA_PSS"):
            size = hash_of(algorithm).digest_size
            key.verify(signature, message, padding.PSS(padding.MGF1(hash_of(algorithm)), size), hash_of(algorithm))
        elif algorithm.startswith("ECDSA"):
            key.verify(signature, message, ec.ECDSA(hash_of(algorithm)))
        elif algorithm == "ED25519_PH_SHA_512":
            # KMS runs Ed25519ph on the 64 bytes that it is given, so the scheme's message is the digest.
            return ed25519ph.verify(key.public_bytes_raw(), signature, hashlib.sha512(message).digest())
        else:
            key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def digest(algorithm, message):
    chosen = hashes.Hash(hash_of(algorithm))
    chosen.update(message)
    return chosen.finalize()


def oaep(algorithm):
    chosen = hashes.SHA1() if algorithm.endswith("SHA_1") else hashes.SHA256()
    return padding.OAEP(padding.MGF1(chosen), chosen, None)


def mu(key, message):
    """The external mu of FIPS 204, algorithm 7, line 6, with an empty context."""
    reference = hashlib.shake_256(key.public_bytes_raw()).digest(64)
    return hashlib.shake_256(reference + b"\0\0" + message).digest(64)
