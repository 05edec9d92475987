"""ML-KEM keys against an independent implementation (kyber-py)."""

import pytest
from kyber_py import ml_kem

from expect import refused

# Spec: implementation, length of the raw public key and of the capsule (FIPS 203, table 3), last byte of the OID.
SPECS = {
    "ML_KEM_512": (ml_kem.ML_KEM_512, 800, 768, 1),
    "ML_KEM_768": (ml_kem.ML_KEM_768, 1184, 1088, 2),
    "ML_KEM_1024": (ml_kem.ML_KEM_1024, 1568, 1568, 3),
}
OID = bytes.fromhex("06096086480165030404")  # 2.16.840.1.101.3.4.4, RFC 9935
GIVEN = {"EncapsulationAlgorithm": "ML_KEM"}


def raw_public_key(spec, der):
    _, length, _, last = SPECS[spec]
    assert OID + bytes([last]) in der[:24]
    return der[-length:]


@pytest.fixture(scope="module")
def kem_key(kms):
    made = {}

    def find(spec):
        if spec not in made:
            made[spec] = kms.create_key(KeySpec=spec, KeyUsage="ENCAPSULATE_DECAPSULATE")["KeyMetadata"]["Arn"]
        return made[spec]

    return find


@pytest.mark.parametrize("spec", SPECS)
def test_capsules_made_elsewhere_open(kms, kem_key, spec):
    arn = kem_key(spec)
    public = kms.get_public_key(KeyId=arn)
    assert public["EncapsulationAlgorithms"] == ["ML_KEM"]
    secret, capsule = SPECS[spec][0].encaps(raw_public_key(spec, public["PublicKey"]))
    answer = kms.decapsulate(KeyId=arn, SharedSecretCiphertextBlob=capsule, **GIVEN)
    assert (answer["SharedSecret"], answer["KeyId"]) == (secret, arn)


@pytest.mark.parametrize("spec", SPECS)
def test_capsules_made_here_open_again(kms, kem_key, spec):
    arn = kem_key(spec)
    made = kms.encapsulate(KeyId=arn, **GIVEN)
    capsule = made["SharedSecretCiphertextBlob"]
    assert (len(capsule), len(made["SharedSecret"])) == (SPECS[spec][2], 32)
    assert (
        kms.decapsulate(KeyId=arn, SharedSecretCiphertextBlob=capsule, **GIVEN)["SharedSecret"] == made["SharedSecret"]
    )
    # Implicit rejection (FIPS 203): a changed capsule of the right length gives another secret, not an error.
    changed = bytes([capsule[0] ^ 1]) + capsule[1:]
    assert (
        kms.decapsulate(KeyId=arn, SharedSecretCiphertextBlob=changed, **GIVEN)["SharedSecret"] != made["SharedSecret"]
    )
    with refused("InvalidCiphertextException", None):
        kms.decapsulate(KeyId=arn, SharedSecretCiphertextBlob=capsule[:-1], **GIVEN)
    with refused("DryRunOperationException"):
        kms.encapsulate(KeyId=arn, DryRun=True, **GIVEN)


@pytest.mark.parametrize("spec", SPECS)
def test_data_key_pairs_hold_the_seed(kms, key, spec):
    made = kms.generate_data_key_pair(KeyId=key["KeyId"], KeyPairSpec=spec)
    # RFC 9935: the private key is [0] IMPLICIT OCTET STRING of the 64-byte seed d ‖ z.
    assert bytes.fromhex("8040") in made["PrivateKeyPlaintext"][-66:-64]
    seed = made["PrivateKeyPlaintext"][-64:]
    public, _ = SPECS[spec][0].key_derive(seed)
    assert public == raw_public_key(spec, made["PublicKey"])
