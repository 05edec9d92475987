"""Symmetric keys through boto3: the calls that every user of KMS makes first."""

import datetime
import re
import uuid

import pytest

from conftest import ACCOUNT
from connect import make_client
from expect import refused

pytestmark = pytest.mark.smoke
WRONG_KEY = "The key ID in the request does not identify a CMK that can perform this operation."
NO_SUCH_KEY = (
    "The ciphertext refers to a customer master key that does not exist, "
    "does not exist in this region, or you are not allowed to access."
)
DRY_RUN = "The request would have succeeded, but the DryRun option is set."
CONTEXT = {"department": "x-ray", "Über": "größe"}


def test_create_key_answers_like_aws(kms):
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=2)
    metadata = kms.create_key(Description="ledger", Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"]
    assert uuid.UUID(metadata["KeyId"]).version == 4
    assert metadata.pop("CreationDate") > before
    assert re.fullmatch("[0-9a-f]{64}", metadata.pop("CurrentKeyMaterialId"))
    assert metadata == {
        "AWSAccountId": ACCOUNT,
        "KeyId": metadata["KeyId"],
        "Arn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{metadata['KeyId']}",
        "Enabled": True,
        "Description": "ledger",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }


def test_describe_key_by_id_arn_and_alias(kms, key):
    name = f"alias/describe-{key['KeyId']}"
    kms.create_alias(AliasName=name, TargetKeyId=key["KeyId"])
    prefix = key["Arn"].rsplit(":", 1)[0]
    for reference in (key["KeyId"], key["Arn"], name, f"{prefix}:{name}"):
        assert kms.describe_key(KeyId=reference)["KeyMetadata"] == key


def test_multi_region_key_has_an_mrk_id(kms):
    metadata = kms.create_key(MultiRegion=True)["KeyMetadata"]
    assert re.fullmatch("mrk-[0-9a-f]{32}", metadata["KeyId"])
    assert metadata["MultiRegionConfiguration"] == {
        "MultiRegionKeyType": "PRIMARY",
        "PrimaryKey": {"Arn": metadata["Arn"], "Region": "us-east-1"},
        "ReplicaKeys": [],
    }


def test_list_keys_pages_reach_every_key_once(client_for):
    kms = client_for(account="222222222222")
    made = {kms.create_key()["KeyMetadata"]["Arn"] for _ in range(7)}
    pages = list(kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["Keys"]) for page in pages] == [3, 3, 1]
    assert [page["Truncated"] for page in pages] == [True, True, False]
    assert "NextMarker" not in pages[-1]
    assert {entry["KeyArn"] for page in pages for entry in page["Keys"]} == made
    assert all(entry["KeyArn"].endswith("/" + entry["KeyId"]) for page in pages for entry in page["Keys"])
    assert kms.list_keys(ResourceOwners=["OTHER_ACCOUNTS_VIA_RAM"])["Keys"] == []
    with refused("InvalidMarkerException", None):
        kms.list_keys(Marker="not a marker")


@pytest.mark.parametrize("length", [1, 16, 4095, 4096])
def test_encrypt_decrypt_round_trip(kms, key, length):
    plaintext = bytes(index % 251 for index in range(length))
    sealed = kms.encrypt(KeyId=key["KeyId"], Plaintext=plaintext, EncryptionContext=CONTEXT)
    assert sealed["KeyId"] == key["Arn"]
    assert sealed["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    assert "KeyMaterialId" not in sealed
    assert len(sealed["CiphertextBlob"]) <= 6144
    opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=dict(reversed(CONTEXT.items())))
    assert opened["Plaintext"] == plaintext
    assert opened["KeyId"] == key["Arn"]
    assert opened["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    assert opened["KeyMaterialId"] == key["CurrentKeyMaterialId"]


def test_the_same_plaintext_never_gives_the_same_blob(kms, key):
    blobs = {kms.encrypt(KeyId=key["KeyId"], Plaintext=b"same")["CiphertextBlob"] for _ in range(20)}
    assert len(blobs) == 20


@pytest.mark.parametrize(
    "context",
    [None, {}, {"department": "x-ray"}, {**CONTEXT, "more": "x"}, {"Department": "x-ray", "Über": "größe"}],
)
def test_another_encryption_context_is_refused(kms, key, context):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret", EncryptionContext=CONTEXT)["CiphertextBlob"]
    given = {} if context is None else {"EncryptionContext": context}
    with refused("InvalidCiphertextException", None):
        kms.decrypt(CiphertextBlob=blob, **given)


def test_an_empty_context_equals_none(kms, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext={})["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_a_changed_ciphertext_is_refused(kms, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret")["CiphertextBlob"]
    # Bytes 3 to 19 are the kind and the id of the key: changed, they name a key that does not exist.
    in_key_id = range(3, 20)
    for place in range(len(blob)):
        changed = bytearray(blob)
        changed[place] ^= 1
        expected = (
            ("AccessDeniedException", NO_SUCH_KEY) if place in in_key_id else ("InvalidCiphertextException", None)
        )
        with refused(*expected):
            kms.decrypt(CiphertextBlob=bytes(changed))
    for wrong in (blob[:-1], blob + b"\0", b"x", bytes(200)):
        with refused("InvalidCiphertextException", None):
            kms.decrypt(CiphertextBlob=wrong)


def test_decrypt_with_another_key_is_refused(kms, key, make_key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, KeyId=key["Arn"])["Plaintext"] == b"secret"
    with refused("IncorrectKeyException", WRONG_KEY):
        kms.decrypt(CiphertextBlob=blob, KeyId=make_key())


@pytest.mark.parametrize(
    "wish, length", [({"KeySpec": "AES_128"}, 16), ({"KeySpec": "AES_256"}, 32), ({"NumberOfBytes": 1024}, 1024)]
)
def test_data_keys(kms, key, wish, length):
    made = kms.generate_data_key(KeyId=key["KeyId"], EncryptionContext=CONTEXT, **wish)
    assert len(made["Plaintext"]) == length
    assert made["KeyId"] == key["Arn"] and made["KeyMaterialId"] == key["CurrentKeyMaterialId"]
    assert (
        kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)["Plaintext"] == made["Plaintext"]
    )
    sealed = kms.generate_data_key_without_plaintext(KeyId=key["KeyId"], **wish)
    assert "Plaintext" not in sealed and sealed["KeyMaterialId"] == key["CurrentKeyMaterialId"]
    assert len(kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"])["Plaintext"]) == length


@pytest.mark.parametrize("wish", [{}, {"KeySpec": "AES_256", "NumberOfBytes": 32}])
def test_a_data_key_needs_one_size(kms, key, wish):
    with refused("ValidationException"):
        kms.generate_data_key(KeyId=key["KeyId"], **wish)


def test_re_encrypt_moves_a_ciphertext(kms, key):
    other = kms.create_key()["KeyMetadata"]
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"move", EncryptionContext=CONTEXT)["CiphertextBlob"]
    moved = kms.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext=CONTEXT,
        DestinationKeyId=other["KeyId"],
        DestinationEncryptionContext={"b": "2"},
    )
    opened = kms.decrypt(CiphertextBlob=moved.pop("CiphertextBlob"), EncryptionContext={"b": "2"})
    assert opened["Plaintext"] == b"move" and opened["KeyId"] == other["Arn"]
    del moved["ResponseMetadata"]
    assert moved == {
        "SourceKeyId": key["Arn"],
        "KeyId": other["Arn"],
        "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "SourceKeyMaterialId": key["CurrentKeyMaterialId"],
        "DestinationKeyMaterialId": other["CurrentKeyMaterialId"],
    }


def test_generate_random(kms):
    first, second = (kms.generate_random(NumberOfBytes=1024)["Plaintext"] for _ in range(2))
    assert len(first) == 1024 and first != second
    with refused("ValidationException", "NumberOfBytes is required."):
        kms.generate_random()


def test_dry_run_checks_everything_and_does_nothing(kms, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    for name, parameters in [
        ("encrypt", {"Plaintext": b"x"}),
        ("decrypt", {"CiphertextBlob": blob}),
        ("generate_data_key", {"KeySpec": "AES_256"}),
        ("generate_data_key_without_plaintext", {"KeySpec": "AES_256"}),
    ]:
        with refused("DryRunOperationException", DRY_RUN):
            getattr(kms, name)(KeyId=key["KeyId"], DryRun=True, **parameters)
    with refused("InvalidCiphertextException", None):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"}, DryRun=True)
    with refused("DryRunOperationException", DRY_RUN):
        kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key["KeyId"], DryRun=True)


@pytest.mark.parametrize(
    "reference, code, message",
    [
        (
            "11111111-2222-3333-4444-555555555555",
            "NotFoundException",
            f"Key 'arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555' does not exist",
        ),
        (
            f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555",
            "NotFoundException",
            f"Key 'arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555' does not exist",
        ),
        ("no-key", "NotFoundException", "Invalid keyId 'no-key'"),
        ("mrk-fake", "NotFoundException", "Invalid keyId 'mrk-fake'"),
        ("11111111222233334444555555555555", "NotFoundException", "Invalid keyId '11111111222233334444555555555555'"),
        (
            f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555",
            "NotFoundException",
            "Invalid arn eu-west-1",
        ),
        ("alias/absent", "NotFoundException", f"Alias arn:aws:kms:us-east-1:{ACCOUNT}:alias/absent is not found."),
    ],
)
def test_unknown_keys(kms, reference, code, message):
    with refused(code, message):
        kms.describe_key(KeyId=reference)
    with refused(code, message):
        kms.encrypt(KeyId=reference, Plaintext=b"x")


def test_keys_of_another_account_and_region_are_out_of_reach(kms, key, client_for):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    stranger, elsewhere = client_for(account="333333333333"), client_for(region="eu-west-1")
    with refused("AccessDeniedException"):
        stranger.describe_key(KeyId=key["Arn"])
    with refused("AccessDeniedException"):
        stranger.decrypt(CiphertextBlob=blob)
    with refused("NotFoundException"):
        stranger.describe_key(KeyId=key["KeyId"])
    with refused("NotFoundException", "Invalid arn us-east-1"):
        elsewhere.describe_key(KeyId=key["Arn"])


def test_everything_survives_a_crash(fresh_server):
    kms = make_client(fresh_server.url)
    key = kms.create_key(Description="kept")["KeyMetadata"]
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"kept")["CiphertextBlob"]
    fresh_server.kill9()
    fresh_server.start()
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] == key
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"kept"
    assert fresh_server.stop() == 0
    fresh_server.start()
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"kept"
