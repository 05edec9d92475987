"""Multi-Region keys with boto3: one endpoint, one client for each Region."""

import time

import pytest

from expect import refused

HERE, WEST, EAST = "us-east-1", "eu-west-1", "us-west-2"
# A deadline, not a wait: what it guards takes about a second at most.
SECONDS = 30


def until(found):
    """What `found` answers, as soon as it answers something."""
    deadline = time.monotonic() + SECONDS
    while not (answer := found()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return answer


@pytest.fixture
def regions(client_for):
    return {name: client_for(name) for name in (HERE, WEST, EAST)}


def metadata(kms, key):
    return kms.describe_key(KeyId=key)["KeyMetadata"]


def in_state(kms, key, state):
    return until(lambda: metadata(kms, key)["KeyState"] == state)


@pytest.fixture
def replicated(regions):
    """Makes a key with replicas in the other two Regions: its id."""

    def make(**parameters):
        key = regions[HERE].create_key(MultiRegion=True, **parameters)["KeyMetadata"]["KeyId"]
        for name in (WEST, EAST):
            made = regions[HERE].replicate_key(KeyId=key, ReplicaRegion=name)["ReplicaKeyMetadata"]
            assert (made["KeyState"], made["Enabled"]) == ("Creating", False)
            in_state(regions[name], key, "Enabled")
        return key

    return make


def test_a_ciphertext_opens_in_every_region(regions, replicated):
    key = replicated()
    for maker in regions.values():
        blob = maker.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
        for name, opener in regions.items():
            opened = opener.decrypt(CiphertextBlob=blob)
            assert opened["Plaintext"] == b"secret"
            assert f":{name}:" in opened["KeyId"] and opened["KeyId"].endswith(key)


def test_signatures_and_macs_verify_in_every_region(regions, replicated):
    signer = replicated(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    request = dict(KeyId=signer, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")
    signature = regions[WEST].sign(**request)["Signature"]
    assert regions[EAST].verify(**request, Signature=signature)["SignatureValid"]
    mac = dict(KeyId=replicated(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC"), Message=b"m", MacAlgorithm="HMAC_SHA_256")
    assert regions[WEST].verify_mac(**mac, Mac=regions[EAST].generate_mac(**mac)["Mac"])["MacValid"]


def test_a_rotation_reaches_every_region(regions, replicated):
    key = replicated()
    current = lambda name: metadata(regions[name], key)["CurrentKeyMaterialId"]
    before, blob = current(HERE), regions[HERE].encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
    regions[HERE].rotate_key_on_demand(KeyId=key)
    until(lambda: {before}.isdisjoint(current(name) for name in regions))
    assert len({current(name) for name in regions}) == 1
    for kms in regions.values():
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"old"
    with refused("UnsupportedOperationException"):
        regions[WEST].rotate_key_on_demand(KeyId=key)


def test_the_primary_moves(regions, replicated):
    key = replicated()
    regions[HERE].update_primary_region(KeyId=key, PrimaryRegion=WEST)
    kind = lambda name: metadata(regions[name], key)["MultiRegionConfiguration"]["MultiRegionKeyType"]
    until(lambda: kind(WEST) == "PRIMARY")
    in_state(regions[HERE], key, "Enabled")
    assert (kind(HERE), kind(EAST)) == ("REPLICA", "REPLICA")
    with refused("UnsupportedOperationException"):
        regions[HERE].replicate_key(KeyId=key, ReplicaRegion="eu-north-1")
    regions[WEST].replicate_key(KeyId=key, ReplicaRegion="eu-north-1")


def test_a_primary_waits_for_its_replicas(regions, replicated):
    key = replicated()
    answer = regions[HERE].schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert answer["KeyState"] == "PendingReplicaDeletion" and "DeletionDate" not in answer
    assert metadata(regions[HERE], key)["PendingDeletionWindowInDays"] == 7
    assert regions[WEST].encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    regions[HERE].cancel_key_deletion(KeyId=key)
    assert metadata(regions[HERE], key)["KeyState"] == "Disabled"


def test_regions_that_can_have_no_replica(regions, replicated):
    key = replicated()
    for region, code in [
        (HERE, "ValidationException"),
        ("cn-north-1", "ValidationException"),
        ("us-invalid-1", "ValidationException"),
        (WEST, "AlreadyExistsException"),
    ]:
        with refused(code):
            regions[HERE].replicate_key(KeyId=key, ReplicaRegion=region)
    single = regions[HERE].create_key()["KeyMetadata"]["KeyId"]
    with refused("UnsupportedOperationException"):
        regions[HERE].replicate_key(KeyId=single, ReplicaRegion=WEST)
