"""Aliases and tags, their lists and their limits."""

import datetime

import pytest

from conftest import ACCOUNT
from expect import refused

PREFIX = f"arn:aws:kms:us-east-1:{ACCOUNT}:"
BAD_PREFIX = (
    'Alias must start with the prefix "alias/". Please see '
    "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
)


def tag(name, value="v"):
    return {"TagKey": name, "TagValue": value}


def aliases_of(kms, arn):
    return {entry["AliasName"]: entry for entry in kms.list_aliases(KeyId=arn)["Aliases"]}


def test_an_alias_is_made_moved_and_deleted(kms, key, make_key):
    name, other = f"alias/app/{key['KeyId']}", make_key()
    kms.create_alias(AliasName=name, TargetKeyId=key["KeyId"])
    made = aliases_of(kms, key["Arn"])[name]
    assert made["AliasArn"] == PREFIX + name and made["TargetKeyId"] == key["KeyId"]
    assert isinstance(made["CreationDate"], datetime.datetime) and made["LastUpdatedDate"] == made["CreationDate"]
    blob = kms.encrypt(KeyId=name, Plaintext=b"x")["CiphertextBlob"]
    kms.update_alias(AliasName=name, TargetKeyId=other)
    assert aliases_of(kms, key["Arn"]) == {}
    assert aliases_of(kms, other)[name]["CreationDate"] == made["CreationDate"]
    assert kms.decrypt(CiphertextBlob=blob)["KeyId"] == key["Arn"]
    with refused("IncorrectKeyException"):
        kms.decrypt(CiphertextBlob=blob, KeyId=name)
    kms.delete_alias(AliasName=name)
    with refused("NotFoundException", f"Alias {PREFIX}{name} is not found."):
        kms.describe_key(KeyId=name)
    with refused("NotFoundException", f"Alias {PREFIX}{name} is not found."):
        kms.delete_alias(AliasName=name)
    with refused("NotFoundException", f"Alias {PREFIX}{name} is not found."):
        kms.update_alias(AliasName=name, TargetKeyId=other)


def test_an_alias_name_is_taken_once_per_account_and_region(kms, key, client_for):
    name = f"alias/{key['KeyId']}"
    kms.create_alias(AliasName=name, TargetKeyId=key["KeyId"])
    with refused("AlreadyExistsException", f"An alias with the name {PREFIX}{name} already exists"):
        kms.create_alias(AliasName=name, TargetKeyId=key["KeyId"])
    for other in (client_for(region="eu-west-1"), client_for(account="444444444444")):
        target = other.create_key()["KeyMetadata"]["KeyId"]
        other.create_alias(AliasName=name, TargetKeyId=target)
        assert other.describe_key(KeyId=name)["KeyMetadata"]["KeyId"] == target


@pytest.mark.parametrize(
    "name, code, message",
    [
        ("nothing", "ValidationException", BAD_PREFIX),
        ("Alias/x", "ValidationException", BAD_PREFIX),
        ("alias/aws/mine", "NotAuthorizedException", None),
        ("alias/a:b", "InvalidAliasNameException", "alias/a:b contains invalid characters for an alias"),
    ],
)
def test_bad_alias_names(kms, key, name, code, message):
    with refused(code, message):
        kms.create_alias(AliasName=name, TargetKeyId=key["KeyId"])


def test_an_alias_does_not_point_to_an_alias(kms, key):
    name = f"alias/{key['KeyId']}"
    kms.create_alias(AliasName=name, TargetKeyId=key["KeyId"])
    with refused("ValidationException", "Aliases must refer to keys. Not aliases"):
        kms.create_alias(AliasName=name + "-2", TargetKeyId=name)


def test_an_alias_does_not_move_to_a_key_of_another_kind(kms, key, make_key):
    name = f"alias/{key['KeyId']}"
    kms.create_alias(AliasName=name, TargetKeyId=key["KeyId"])
    for other in (
        {"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"},
        {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
    ):
        with refused("ValidationException"):
            kms.update_alias(AliasName=name, TargetKeyId=make_key(**other))
    assert kms.describe_key(KeyId=name)["KeyMetadata"]["Arn"] == key["Arn"]


@pytest.mark.parametrize(
    "operation", ["enable_key", "disable_key", "get_key_policy", "list_resource_tags", "schedule_key_deletion"]
)
def test_operations_that_take_no_alias(kms, key, operation):
    name = f"alias/{key['KeyId']}"
    kms.create_alias(AliasName=name, TargetKeyId=key["KeyId"])
    with refused("InvalidArnException", "Key Aliases are not supported for this operation."):
        getattr(kms, operation)(KeyId=name)


def test_lists_of_aliases_page(client_for):
    kms = client_for(account="555555555555")
    target = kms.create_key()["KeyMetadata"]["KeyId"]
    made = {f"alias/page-{number}" for number in range(5)}
    for name in made:
        kms.create_alias(AliasName=name, TargetKeyId=target)
    pages = list(kms.get_paginator("list_aliases").paginate(KeyId=target, PaginationConfig={"PageSize": 2}))
    assert [len(page["Aliases"]) for page in pages] == [2, 2, 1]
    assert {entry["AliasName"] for page in pages for entry in page["Aliases"]} == made


def test_fifty_aliases_a_key(client_for):
    kms = client_for(account="555555555556")
    target = kms.create_key()["KeyMetadata"]["KeyId"]
    for number in range(50):
        kms.create_alias(AliasName=f"alias/{number}", TargetKeyId=target)
    with refused("LimitExceededException"):
        kms.create_alias(AliasName="alias/one-too-many", TargetKeyId=target)


def test_aws_managed_keys_appear_on_first_use(client_for):
    kms = client_for(account="666666666666")
    metadata = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert metadata["KeyManager"] == "AWS" and metadata["KeyState"] == "Enabled"
    assert kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["KeyId"] == metadata["KeyId"]
    aliases = {entry["AliasName"]: entry for entry in kms.list_aliases()["Aliases"]}
    assert aliases["alias/aws/s3"]["TargetKeyId"] == metadata["KeyId"]
    for operation, parameters in [
        ("schedule_key_deletion", {}),
        ("disable_key", {}),
        ("tag_resource", {"Tags": [tag("a")]}),
    ]:
        with pytest.raises(kms.exceptions.ClientError):
            getattr(kms, operation)(KeyId=metadata["KeyId"], **parameters)
    assert kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["KeyState"] == "Enabled"


def test_tags_are_set_overwritten_and_removed(kms):
    arn = kms.create_key(Tags=[tag("b", "1"), tag("a", "")])["KeyMetadata"]["Arn"]
    kms.tag_resource(KeyId=arn, Tags=[tag("b", "2"), tag("c", "3")])
    answer = kms.list_resource_tags(KeyId=arn)
    assert answer["Tags"] == [tag("a", ""), tag("b", "2"), tag("c", "3")] and answer["Truncated"] is False
    kms.untag_resource(KeyId=arn, TagKeys=["b", "never there"])
    assert kms.list_resource_tags(KeyId=arn)["Tags"] == [tag("a", ""), tag("c", "3")]


def test_lists_of_tags_page(kms):
    arn = kms.create_key(Tags=[tag(f"t{number:02}") for number in range(50)])["KeyMetadata"]["Arn"]
    pages = list(kms.get_paginator("list_resource_tags").paginate(KeyId=arn, PaginationConfig={"PageSize": 20}))
    assert [len(page["Tags"]) for page in pages] == [20, 20, 10]
    with refused("TagException", "Too many tags"):
        kms.tag_resource(KeyId=arn, Tags=[tag("one-too-many")])
    kms.tag_resource(KeyId=arn, Tags=[tag("t00", "overwritten")])


@pytest.mark.parametrize(
    "tags, message",
    [
        ([tag("a"), tag("a")], "Duplicate tag keys"),
        ([tag(str(number)) for number in range(51)], "Too many tags"),
        ([tag("aws:x")], "Tags beginning with aws: are reserved"),
        ([tag("AWS:x")], "Tags beginning with aws: are reserved"),
    ],
)
def test_bad_tags(kms, key, tags, message):
    with refused("TagException", message):
        kms.create_key(Tags=tags)
    with refused("TagException", message):
        kms.tag_resource(KeyId=key["KeyId"], Tags=tags)
    assert kms.list_resource_tags(KeyId=key["KeyId"])["Tags"] == []


def test_descriptions_change(kms, key):
    kms.update_key_description(KeyId=key["KeyId"], Description="größer")
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["Description"] == "größer"
    kms.update_key_description(KeyId=key["KeyId"], Description="")
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["Description"] == ""
