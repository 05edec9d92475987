"""The validation engine: every violated constraint is listed, in AWS's grammar; and the shape of the other refusals."""

import json

import pytest
from botocore.exceptions import ClientError

import wire
from expect import refused, sorted_enum, violations

MUST = "failed to satisfy constraint: Member must"
NOT_NULL = f"{MUST} not be null"
KEY = "11111111-2222-3333-4444-555555555555"
MAC_ALGORITHMS = "HMAC_SHA_384, HMAC_SHA_256, HMAC_SHA_224, HMAC_SHA_512"

CASES = [
    ("encrypt", {}, {f"Value null at 'keyId' {NOT_NULL}", f"Value null at 'plaintext' {NOT_NULL}"}),
    ("encrypt", {"KeyId": KEY}, {f"Value null at 'plaintext' {NOT_NULL}"}),
    (
        "encrypt",
        {"KeyId": "", "Plaintext": b"x"},
        {f"Value '' at 'keyId' {MUST} have length greater than or equal to 1"},
    ),
    (
        "encrypt",
        {"KeyId": KEY, "Plaintext": bytes(4097)},
        {f"Value at 'plaintext' {MUST} have length less than or equal to 4096"},
    ),
    (
        "encrypt",
        {"KeyId": KEY, "Plaintext": b""},
        {f"Value at 'plaintext' {MUST} have length greater than or equal to 1"},
    ),
    (
        "decrypt",
        {"CiphertextBlob": bytes(6145)},
        {f"Value at 'ciphertextBlob' {MUST} have length less than or equal to 6144"},
    ),
    ("describe_key", {}, {f"Value null at 'keyId' {NOT_NULL}"}),
    (
        "generate_random",
        {"NumberOfBytes": 0},
        {f"Value '0' at 'numberOfBytes' {MUST} have value greater than or equal to 1"},
    ),
    (
        "generate_random",
        {"NumberOfBytes": 1025},
        {f"Value '1025' at 'numberOfBytes' {MUST} have value less than or equal to 1024"},
    ),
    ("list_keys", {"Limit": 1001}, {f"Value '1001' at 'limit' {MUST} have value less than or equal to 1000"}),
    ("list_keys", {"Limit": 0}, {f"Value '0' at 'limit' {MUST} have value greater than or equal to 1"}),
    (
        "schedule_key_deletion",
        {"KeyId": KEY, "PendingWindowInDays": 366},
        {f"Value '366' at 'pendingWindowInDays' {MUST} have value less than or equal to 365"},
    ),
    (
        "create_alias",
        {"AliasName": "alias/a b", "TargetKeyId": KEY},
        {f"Value 'alias/a b' at 'aliasName' {MUST} satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"},
    ),
    (
        "create_alias",
        {"AliasName": "alias/" + "x" * 251, "TargetKeyId": KEY},
        {f"Value 'alias/{'x' * 251}' at 'aliasName' {MUST} have length less than or equal to 256"},
    ),
    (
        "tag_resource",
        {"KeyId": KEY, "Tags": [{"TagKey": "k" * 129, "TagValue": "v" * 257}]},
        {
            f"Value '{'k' * 129}' at 'tags.1.member.tagKey' {MUST} have length less than or equal to 128",
            f"Value '{'v' * 257}' at 'tags.1.member.tagValue' {MUST} have length less than or equal to 256",
        },
    ),
    (
        "tag_resource",
        {"KeyId": KEY, "Tags": [{"TagKey": "a", "TagValue": "b"}, {"TagValue": "b"}]},
        {f"Value null at 'tags.2.member.tagKey' {NOT_NULL}"},
    ),
    (
        "create_key",
        {"Description": "d" * 8193},
        {f"Value '{'d' * 8193}' at 'description' {MUST} have length less than or equal to 8192"},
    ),
    (
        "generate_mac",
        {"KeyId": KEY, "Message": b"x", "MacAlgorithm": "HMAC_MD5"},
        {f"Value 'HMAC_MD5' at 'macAlgorithm' {MUST} satisfy enum value set: [{MAC_ALGORITHMS}]"},
    ),
    (
        "derive_shared_secret",
        {"KeyId": KEY, "PublicKey": b"x", "KeyAgreementAlgorithm": "X"},
        {f"Value 'X' at 'keyAgreementAlgorithm' {MUST} satisfy enum value set: [ECDH]"},
    ),
    (
        "sign",
        {"KeyId": "", "MessageType": "RAWER", "Message": b""},
        {
            f"Value '' at 'keyId' {MUST} have length greater than or equal to 1",
            f"Value at 'message' {MUST} have length greater than or equal to 1",
            f"Value 'RAWER' at 'messageType' {MUST} satisfy enum value set: [RAW, DIGEST, EXTERNAL_MU]",
            f"Value null at 'signingAlgorithm' {NOT_NULL}",
        },
    ),
    (
        "get_key_policy",
        {"KeyId": KEY, "PolicyName": "a b"},
        {f"Value 'a b' at 'policyName' {MUST} satisfy regular expression pattern: [\\w]+"},
    ),
]


@pytest.mark.parametrize(
    "operation, parameters, expected", CASES, ids=[f"{case[0]}-{number}" for number, case in enumerate(CASES)]
)
def test_violations_are_listed(kms, operation, parameters, expected):
    with pytest.raises(ClientError) as caught:
        getattr(kms, operation)(**parameters)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert violations(error["Message"]) == {sorted_enum(entry) for entry in expected}


def test_validation_comes_before_existence(kms):
    with refused("ValidationException"):
        kms.encrypt(KeyId=KEY, Plaintext=bytes(4097))


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b"nonsense",
        b'{"KeyId": 5}',
        b'{"KeyId": {}}',
        b'{"KeyId": ["a"]}',
        b'{"KeyId": "a", "KeyId": "b"}',
        b'{"KeyId": "\xff"}',
        b'{"KeyId": "a"} {}',
        b"[" * 100_000,
    ],
)
def test_bodies_that_are_no_request(server, body):
    reply = wire.call(server.url, "DescribeKey", body)
    assert (reply.status, reply.error[0]) == (400, "SerializationException")


@pytest.mark.parametrize("number", [b"1.5", b'"1"', b"1e400", b"-9223372036854775809", b"true"])
def test_numbers_that_are_no_integer(server, number):
    reply = wire.call(server.url, "GenerateRandom", b'{"NumberOfBytes": ' + number + b"}")
    assert reply.status == 400 and reply.error[0] in ("SerializationException", "ValidationException")


@pytest.mark.parametrize("text", ["!!!!", "YQ=", "YQ", "YQ==\n", "Y Q=="])
def test_blobs_that_are_no_base64(server, key, text):
    reply = wire.call(server.url, "Encrypt", {"KeyId": key["KeyId"], "Plaintext": text})
    assert (reply.status, reply.error[0]) == (400, "SerializationException")


def test_unknown_members_are_ignored_and_null_is_absent(server, key):
    reply = wire.call(server.url, "DescribeKey", {"KeyId": key["KeyId"], "Surprise": {"a": [1]}, "GrantTokens": None})
    assert reply.status == 200 and reply.json["KeyMetadata"]["KeyId"] == key["KeyId"]


@pytest.mark.parametrize("operation", ["Unknown", "", "encrypt", "Encrypt.", "ConnectCustomKeyStoreX"])
def test_unknown_operations(server, operation):
    reply = wire.call(server.url, operation)
    assert (reply.status, reply.error[0]) == (400, "UnknownOperationException")


def test_a_modelled_member_that_is_not_honoured_is_refused(kms, key):
    recipient = {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": b"x"}
    with pytest.raises(ClientError):
        kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256", Recipient=recipient)
    with pytest.raises(ClientError):
        kms.generate_random(NumberOfBytes=1, Recipient=recipient)


def test_answers_are_framed_as_aws_frames_them(server, key):
    good = wire.call(server.url, "DescribeKey", {"KeyId": key["KeyId"]})
    bad = wire.call(server.url, "DescribeKey", {"KeyId": "x"})
    empty = wire.call(server.url, "EnableKey", {"KeyId": key["KeyId"]})
    identifiers = set()
    for reply in (good, bad, empty):
        assert reply.headers["content-type"] == "application/x-amz-json-1.1"
        assert int(reply.headers["content-length"]) == len(reply.body)
        assert len(reply.headers["x-amzn-requestid"]) == 36 and "date" in reply.headers
        identifiers.add(reply.headers["x-amzn-requestid"])
    assert len(identifiers) == 3
    assert bad.json == {"__type": "NotFoundException", "message": "Invalid keyId 'x'"}
    assert (empty.status, empty.body) == (200, b"")
    assert b"null" not in good.body
    created = json.loads(good.body, parse_float=str, parse_int=str)["KeyMetadata"]["CreationDate"]
    assert created.replace(".", "").replace("E9", "").isdigit(), created


def test_a_body_over_one_mebibyte_is_refused_at_once(server):
    reply = wire.call(server.url, "Encrypt", b'{"KeyId": "' + b"x" * (1 << 20) + b'"}')
    assert 400 <= reply.status < 500
