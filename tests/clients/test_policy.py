"""Key policies as stored documents: the default, what is refused, what comes back."""

import json

import pytest

from conftest import ACCOUNT
from expect import refused

DEFAULT = """{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::%s:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}"""
LOCKOUT = "The new key policy will not allow you to update the key policy in the future."


def policy(**changes):
    statement = {
        "Sid": "s",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    statement.update(changes)
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def stored(kms, key_id):
    return json.loads(kms.get_key_policy(KeyId=key_id)["Policy"])


def test_the_default_policy_is_printed_as_aws_prints_it(kms, key, client_for):
    answer = kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")
    assert (answer["Policy"], answer["PolicyName"]) == (DEFAULT % ACCOUNT, "default")
    other = client_for(account="777777777777")
    assert other.get_key_policy(KeyId=other.create_key()["KeyMetadata"]["KeyId"])["Policy"] == DEFAULT % "777777777777"


def test_there_is_one_policy(kms, key):
    answer = kms.list_key_policies(KeyId=key["KeyId"])
    assert (answer["PolicyNames"], answer["Truncated"]) == (["default"], False)


def test_a_policy_is_replaced(kms, key):
    wanted = policy(Sid="mine")
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=wanted)
    assert stored(kms, key["KeyId"]) == json.loads(wanted)
    kms.put_key_policy(KeyId=key["KeyId"], Policy=policy(Sid="again"))
    assert stored(kms, key["KeyId"])["Statement"][0]["Sid"] == "again"
    made = kms.create_key(Policy=wanted)["KeyMetadata"]["KeyId"]
    assert stored(kms, made) == json.loads(wanted)


@pytest.mark.parametrize(
    "text, message",
    [
        ("not json", None),
        ("{}", None),
        ('{"Version": "2012-10-17", "Statement": []', None),
        (policy(Effect="Perhaps"), None),
        (policy(Principal={"AWS": "arn:aws:iam::1:root"}), None),
        (policy(Action="kms:Encrypt"), LOCKOUT),
        (policy(Effect="Deny"), LOCKOUT),
        (policy(Principal={"AWS": "arn:aws:iam::888888888888:root"}), LOCKOUT),
    ],
)
def test_bad_policies_are_refused_and_change_nothing(kms, key, text, message):
    expected = {} if message is None else {"message": message}
    before = stored(kms, key["KeyId"])
    with refused("MalformedPolicyDocumentException", **expected):
        kms.put_key_policy(KeyId=key["KeyId"], Policy=text)
    with refused("MalformedPolicyDocumentException", **expected):
        kms.create_key(Policy=text)
    assert stored(kms, key["KeyId"]) == before


def test_the_lockout_check_can_be_bypassed(kms):
    text = policy(Action="kms:DescribeKey")
    made = kms.create_key(Policy=text, BypassPolicyLockoutSafetyCheck=True)["KeyMetadata"]["KeyId"]
    assert kms.describe_key(KeyId=made)["KeyMetadata"]["KeyId"] == made


def test_a_policy_has_at_most_32_kib(kms, key):
    padded = policy(Sid="x" * 33_000)
    with refused("LimitExceededException"):
        kms.put_key_policy(KeyId=key["KeyId"], Policy=padded)


def test_the_policy_of_ram_belongs_to_ram(kms, key):
    with refused("ValidationException", "The AWS_RAM policy can only be managed by the RAM service"):
        kms.put_key_policy(KeyId=key["KeyId"], PolicyName="AWS_RAM", Policy=policy())
    with refused("ValidationException"):
        kms.put_key_policy(KeyId=key["KeyId"], PolicyName="other", Policy=policy())


def test_rotation_status_is_off_and_answers_for_every_key(kms, make_key):
    for kind in (
        {},
        {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"},
        {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
    ):
        arn = make_key(**kind)
        answer = kms.get_key_rotation_status(KeyId=arn)
        del answer["ResponseMetadata"]
        assert answer == {"KeyId": arn, "KeyRotationEnabled": False}


def test_last_usage_follows_use(kms, key):
    unused = kms.get_key_last_usage(KeyId=key["KeyId"])
    assert unused["KeyId"] == key["Arn"] and unused["KeyCreationDate"] == key["CreationDate"]
    assert not unused.get("KeyLastUsage")
    kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
    assert kms.get_key_last_usage(KeyId=key["KeyId"])["KeyLastUsage"]["Operation"] == "Encrypt"
