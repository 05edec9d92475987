"""Rotation with boto3: by schedule under a shifted clock, on demand, its list, and last uses that a crash does not lose."""

import contextlib
import datetime
import json
import time

import botocore.auth
import pytest

from connect import make_client
from expect import refused

# Deadlines, not waits: what they guard takes about a second at most.
ROTATED_SECONDS = 30


def until(found):
    """What `found` answers, as soon as it answers something."""
    deadline = time.monotonic() + ROTATED_SECONDS
    while not (answer := found()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return answer


def rotations(kms, key, **parameters):
    pages = kms.get_paginator("list_key_rotations").paginate(KeyId=key, **parameters)
    return [entry for page in pages for entry in page["Rotations"]]


def rotate(kms, key):
    before = len(rotations(kms, key))
    assert kms.rotate_key_on_demand(KeyId=key)["KeyId"].endswith(key)
    return until(lambda: rotations(kms, key)[before:])[0]


@contextlib.contextmanager
def days_later(server, days):
    """The server's clock and the client's move together: signatures stay valid."""
    shift = datetime.timedelta(days=days)
    now = lambda *_: datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + shift
    server.shift(f"+{days}d")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", now)
        yield


def current(kms, key):
    return kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]


def test_a_key_rotates_by_its_schedule_and_old_ciphertext_decrypts(clock_server):
    kms = make_client(clock_server.url)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    first, blob = current(kms, key), kms.encrypt(KeyId=key, Plaintext=b"kept")["CiphertextBlob"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    start = kms.get_key_rotation_status(KeyId=key)
    assert (start["KeyId"], start["KeyRotationEnabled"], start["RotationPeriodInDays"]) == (key, True, 90)
    for turn, days in enumerate((90, 180, 270), start=1):
        with days_later(clock_server, days):
            done = until(lambda: rotations(kms, key)[turn - 1 :])
            assert [entry["RotationType"] for entry in done] == ["AUTOMATIC"]
            assert done[0]["KeyMaterialId"] == current(kms, key) != first
            status = kms.get_key_rotation_status(KeyId=key)
            assert status["NextRotationDate"] == start["NextRotationDate"] + datetime.timedelta(days=days)
            opened = kms.decrypt(CiphertextBlob=blob)
            assert (opened["Plaintext"], opened["KeyMaterialId"]) == (b"kept", first)


def test_rotation_on_demand_and_its_limit(kms, make_key):
    key = make_key()
    first = current(kms, key)
    seen = [first] + [rotate(kms, key)["KeyMaterialId"] for _ in range(25)]
    assert len(set(seen)) == 26
    every = rotations(kms, key, IncludeKeyMaterial="ALL_KEY_MATERIAL", PaginationConfig={"PageSize": 7})
    assert [entry["KeyMaterialId"] for entry in every] == seen
    assert "RotationDate" not in every[0] and every[-1]["KeyMaterialState"] == "CURRENT"
    text = (
        "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be "
        f"performed for this key: {key}"
    )
    with refused("LimitExceededException", text):
        kms.rotate_key_on_demand(KeyId=key)


def test_answers_of_keys_that_do_not_rotate(kms, make_key):
    signer = make_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    external = make_key(Origin="EXTERNAL")
    for key in (signer, external):
        assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    with refused("UnsupportedOperationException", None):
        kms.enable_key_rotation(KeyId=signer)
    with refused("UnsupportedOperationException", f"{external} origin is EXTERNAL which is not valid for this operation."):
        kms.enable_key_rotation(KeyId=external)


def test_a_policy_may_bound_the_period(account):
    key = account.kms.create_key()["KeyMetadata"]["Arn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": account.arn}, "Action": "kms:*", "Resource": "*"},
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "kms:EnableKeyRotation",
                "Resource": "*",
                "Condition": {"NumericGreaterThan": {"kms:RotationPeriodInDays": "200"}},
            },
        ],
    }
    account.kms.put_key_policy(KeyId=key, Policy=json.dumps(policy))
    with refused("AccessDeniedException"):
        account.kms.enable_key_rotation(KeyId=key)
    account.kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=200)


@pytest.mark.parametrize("flushed", [False, True])
def test_the_last_use_survives_kill_9(fresh_server, flushed):
    kms = make_client(fresh_server.url)
    keys = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(5)]
    if flushed:
        kms.encrypt(KeyId=keys[0], Plaintext=b"earlier")
        fresh_server.restart()
    blobs = [kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"] for key in keys]
    kms.decrypt(CiphertextBlob=blobs[3])
    members = ("Operation", "Timestamp", "CloudTrailEventId", "KmsRequestId")
    known = [kms.get_key_last_usage(KeyId=key)["KeyLastUsage"] for key in keys]
    assert [use["Operation"] for use in known] == ["Encrypt", "Encrypt", "Encrypt", "Decrypt", "Encrypt"]
    assert all(set(use) == set(members) for use in known)
    for _ in range(2):
        fresh_server.kill9()
        fresh_server.start()
        assert [kms.get_key_last_usage(KeyId=key)["KeyLastUsage"] for key in keys] == known


def test_a_rotation_that_was_asked_for_survives_kill_9(fresh_server):
    kms = make_client(fresh_server.url)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"kept")["CiphertextBlob"]
    for number in range(1, 6):
        kms.rotate_key_on_demand(KeyId=key)
        fresh_server.kill9()
        fresh_server.start()
        until(lambda: rotations(kms, key)[number - 1 :])
        assert "OnDemandRotationStartDate" not in kms.get_key_rotation_status(KeyId=key)
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"kept"
    assert len(rotations(kms, key)) == 5
