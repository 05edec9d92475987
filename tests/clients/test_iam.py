"""IAM by boto3: users, groups, roles, policies and what belongs to them, with AWS's codes, statuses and texts."""

import json
import re

import pytest
from botocore.exceptions import ClientError

from expect import refused
from people import Account, allow, document, trusting

GONE = ("NoSuchEntity", 404)
TAKEN = ("EntityAlreadyExists", 409)
IN_USE = ("DeleteConflict", 409)
READ = allow("kms:DescribeKey")
WRITE = allow("kms:CreateKey")


def fails(kind, text):
    code, status = kind
    return refused(code, text, status=status)


def named(pages, member, name):
    """What a paginator finds, by one of its members."""
    return [entry[name] for page in pages for entry in page[member]]


def pairs(tags):
    return {tag["Key"]: tag["Value"] for tag in tags}


def tags(**wanted):
    return [{"Key": key, "Value": value} for key, value in wanted.items()]


def test_a_user_is_made_shown_renamed_and_deleted(account):
    iam = account.iam
    made = iam.create_user(UserName="Alice", Path="/staff/", Tags=tags(team="red"))["User"]
    assert made["Arn"] == f"arn:aws:iam::{account.number}:user/staff/Alice"
    assert re.fullmatch("AIDA[A-Z2-7]{17}", made["UserId"]) and pairs(made["Tags"]) == {"team": "red"}
    shown = iam.get_user(UserName="alice")["User"]
    assert shown == made
    with fails(TAKEN, "User with name ALICE already exists."):
        iam.create_user(UserName="ALICE")
    iam.update_user(UserName="Alice", NewUserName="Alicia", NewPath="/")
    renamed = iam.get_user(UserName="Alicia")["User"]
    assert (renamed["Arn"], renamed["UserId"]) == (f"arn:aws:iam::{account.number}:user/Alicia", made["UserId"])
    with fails(GONE, "The user with name Alice cannot be found."):
        iam.get_user(UserName="Alice")
    iam.delete_user(UserName="Alicia")
    with fails(GONE, "The user with name Alicia cannot be found."):
        iam.delete_user(UserName="Alicia")
    with refused("ValidationError"):
        iam.create_user(UserName="a b")


def test_a_user_asks_about_itself(account):
    alice = account.user("Alice", allow("iam:GetUser", "iam:ListAccessKeys", Resource=f"{account.arn[:-4]}user/Alice"))
    assert alice.iam.get_user()["User"]["Arn"] == alice.arn
    assert alice.iam.list_access_keys()["AccessKeyMetadata"][0]["AccessKeyId"] == alice.access_key
    text = f"User: {alice.arn} is not authorized to perform: iam:ListUsers on resource: * because no identity-based "
    with refused("AccessDenied", text + "policy allows the iam:ListUsers action", status=403):
        alice.iam.list_users()


def test_waiters_wait_and_paginators_find_everything(account):
    iam = account.iam
    names = [f"user-{number:02}" for number in range(12)]
    for name in names:
        iam.create_user(UserName=name, Path="/even/" if int(name[-2:]) % 2 == 0 else "/odd/")
    once = {"Delay": 0, "MaxAttempts": 1}
    iam.get_waiter("user_exists").wait(UserName=names[0], WaiterConfig=once)
    pages = list(iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["Users"]) for page in pages] == [5, 5, 2]
    assert named(pages, "Users", "UserName") == names
    even = iam.get_paginator("list_users").paginate(PathPrefix="/even/")
    assert named(even, "Users", "UserName") == names[::2]
    account.role("Worker")
    iam.get_waiter("role_exists").wait(RoleName="Worker", WaiterConfig=once)
    iam.create_instance_profile(InstanceProfileName="Worker")
    iam.get_waiter("instance_profile_exists").wait(InstanceProfileName="Worker", WaiterConfig=once)
    iam.get_waiter("policy_exists").wait(PolicyArn=account.policy("P", READ), WaiterConfig=once)
    with refused("ValidationError"):
        iam.list_users(Marker="bm9uc2Vuc2U=")


def test_groups_have_members_and_policies(account):
    iam = account.iam
    group = iam.create_group(GroupName="Readers", Path="/g/")["Group"]
    assert group["Arn"] == f"arn:aws:iam::{account.number}:group/g/Readers" and group["GroupId"].startswith("AGPA")
    for name in ("Alice", "Bob"):
        iam.create_user(UserName=name)
        iam.add_user_to_group(GroupName="Readers", UserName=name)
    iam.add_user_to_group(GroupName="Readers", UserName="Bob")
    pages = iam.get_paginator("get_group").paginate(GroupName="Readers", PaginationConfig={"PageSize": 1})
    assert named(pages, "Users", "UserName") == ["Alice", "Bob"]
    assert [entry["GroupName"] for entry in iam.list_groups_for_user(UserName="Bob")["Groups"]] == ["Readers"]
    iam.put_group_policy(GroupName="Readers", PolicyName="inline", PolicyDocument=document(READ))
    arn = account.policy("Managed", READ)
    iam.attach_group_policy(GroupName="Readers", PolicyArn=arn)
    assert iam.list_group_policies(GroupName="Readers")["PolicyNames"] == ["inline"]
    attached = iam.list_attached_group_policies(GroupName="Readers")["AttachedPolicies"]
    assert attached == [{"PolicyName": "Managed", "PolicyArn": arn}]
    with fails(IN_USE, "Cannot delete entity, must remove users from group first."):
        iam.delete_user(UserName="Bob")
    for name in ("Alice", "Bob"):
        with pytest.raises(iam.exceptions.DeleteConflictException):
            iam.delete_group(GroupName="Readers")
        iam.remove_user_from_group(GroupName="Readers", UserName=name)
    iam.update_group(GroupName="Readers", NewGroupName="Viewers")
    iam.detach_group_policy(GroupName="Viewers", PolicyArn=arn)
    iam.delete_group_policy(GroupName="Viewers", PolicyName="inline")
    iam.delete_group(GroupName="Viewers")
    assert iam.list_groups()["Groups"] == []
    with fails(GONE, "The group with name Viewers cannot be found."):
        iam.add_user_to_group(GroupName="Viewers", UserName="Bob")


def test_the_secret_of_an_access_key_is_shown_once(account):
    iam = account.iam
    alice = account.user("Alice")
    shown = json.dumps(iam.list_access_keys(UserName="Alice"), default=str)
    assert alice.access_key in shown and alice.secret not in shown
    assert re.fullmatch("AKIA[A-Z2-7]{16}", alice.access_key) and len(alice.secret) == 40
    iam.create_access_key(UserName="Alice")
    with refused("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", status=409):
        iam.create_access_key(UserName="Alice")
    with fails(IN_USE, "Cannot delete entity, must delete access keys first."):
        iam.delete_user(UserName="Alice")


def test_an_access_key_is_turned_off_on_and_away(account):
    iam = account.iam
    alice = account.user("Alice", allow("kms:ListKeys"))
    key = {"UserName": "Alice", "AccessKeyId": alice.access_key}
    unused = iam.get_access_key_last_used(AccessKeyId=alice.access_key)
    assert (unused["UserName"], unused["AccessKeyLastUsed"]) == ("Alice", {"ServiceName": "N/A", "Region": "N/A"})
    assert alice.sts.get_caller_identity()["UserId"] == alice.id
    used = iam.get_access_key_last_used(AccessKeyId=alice.access_key)["AccessKeyLastUsed"]
    assert (used["ServiceName"], used["Region"]) == ("sts", "us-east-1") and used["LastUsedDate"]

    def is_refused():
        text = "The security token included in the request is invalid."
        with refused("InvalidClientTokenId", text, status=403):
            alice.sts.get_caller_identity()
        with refused("InvalidClientTokenId", text, status=403):
            alice.iam.get_user()
        with refused("UnrecognizedClientException", text):
            alice.kms.list_keys()

    iam.update_access_key(Status="Inactive", **key)
    assert iam.list_access_keys(UserName="Alice")["AccessKeyMetadata"][0]["Status"] == "Inactive"
    is_refused()
    iam.update_access_key(Status="Active", **key)
    alice.kms.list_keys()
    iam.delete_access_key(**key)
    is_refused()
    with fails(GONE, f"The Access Key with id {alice.access_key} cannot be found."):
        iam.delete_access_key(**key)


def test_a_role_is_made_changed_and_deleted(account):
    iam = account.iam
    trust = trusting(account.arn)
    made = iam.create_role(
        RoleName="Worker",
        Path="/service/",
        AssumeRolePolicyDocument=trust,
        Description="works",
        MaxSessionDuration=7200,
        Tags=tags(team="blue"),
    )["Role"]
    assert made["Arn"] == f"arn:aws:iam::{account.number}:role/service/Worker" and made["RoleId"].startswith("AROA")
    assert made["AssumeRolePolicyDocument"] == json.loads(trust)
    shown = iam.get_role(RoleName="Worker")["Role"]
    assert (shown["Description"], shown["MaxSessionDuration"], pairs(shown["Tags"])) == (
        "works",
        7200,
        {"team": "blue"},
    )
    iam.update_role(RoleName="Worker", Description="rests", MaxSessionDuration=3600)
    other = trusting(account.number, Condition={"Bool": {"aws:SecureTransport": "true"}})
    iam.update_assume_role_policy(RoleName="Worker", PolicyDocument=other)
    shown = iam.get_role(RoleName="Worker")["Role"]
    assert (shown["Description"], shown["MaxSessionDuration"]) == ("rests", 3600)
    assert shown["AssumeRolePolicyDocument"] == json.loads(other)
    iam.put_role_policy(RoleName="Worker", PolicyName="own", PolicyDocument=document(READ))
    with fails(IN_USE, "Cannot delete entity, must delete policies first."):
        iam.delete_role(RoleName="Worker")
    iam.delete_role_policy(RoleName="Worker", PolicyName="own")
    iam.delete_role(RoleName="Worker")
    with fails(GONE, "The role with name Worker cannot be found."):
        iam.get_role(RoleName="Worker")


@pytest.mark.parametrize(
    "trust",
    [
        "not json",
        document(allow("sts:AssumeRole")),
        trusting("arn:aws:iam::000000000000:user/nobody-of-this-name"),
        json.dumps({"Version": "2012-10-17", "Statement": [allow("sts:AssumeRole", Principal={"AWS": "*"})]}),
    ],
    ids=["no JSON", "no principal", "a principal that is not there", "a resource"],
)
def test_trust_policies_are_checked(account, trust):
    with refused("MalformedPolicyDocument"):
        account.iam.create_role(RoleName="Worker", AssumeRolePolicyDocument=trust)
    with fails(GONE, "The role with name Worker cannot be found."):
        account.iam.get_role(RoleName="Worker")


def test_an_instance_profile_holds_a_role(account):
    iam = account.iam
    account.role("Worker")
    made = iam.create_instance_profile(InstanceProfileName="Machine", Tags=tags(a="b"))["InstanceProfile"]
    assert made["Arn"] == f"arn:aws:iam::{account.number}:instance-profile/Machine" and made["Roles"] == []
    iam.add_role_to_instance_profile(InstanceProfileName="Machine", RoleName="Worker")
    profile = iam.get_instance_profile(InstanceProfileName="Machine")["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == ["Worker"]
    pages = iam.get_paginator("list_instance_profiles_for_role").paginate(RoleName="Worker")
    assert named(pages, "InstanceProfiles", "InstanceProfileName") == ["Machine"]
    account.role("Second")
    with refused("LimitExceeded", status=409):
        iam.add_role_to_instance_profile(InstanceProfileName="Machine", RoleName="Second")
    with fails(IN_USE, "Cannot delete entity, must remove roles from instance profile first."):
        iam.delete_instance_profile(InstanceProfileName="Machine")
    with fails(IN_USE, "Cannot delete entity, must remove roles from instance profile first."):
        iam.delete_role(RoleName="Worker")
    iam.remove_role_from_instance_profile(InstanceProfileName="Machine", RoleName="Worker")
    iam.delete_instance_profile(InstanceProfileName="Machine")
    with fails(GONE, "Instance Profile Machine cannot be found."):
        iam.get_instance_profile(InstanceProfileName="Machine")


@pytest.mark.parametrize("holder", ["user", "role", "group"])
def test_inline_policies_come_back_as_they_were_put(account, holder):
    iam, name = account.iam, {f"{holder.title()}Name": "Holder"}
    if holder == "role":
        account.role("Holder")
    else:
        getattr(iam, f"create_{holder}")(**name)
    # Blanks, order, and characters that URLs would change, are kept.
    text = '{ "Version":"2012-10-17",\n "Statement":{"Effect":"Allow", "Resource":"*","Action":"kms:*", "Sid":"a1"} }'
    text = text.replace('"*"', '"arn:aws:kms:*:*:key/*+%20 &="')
    getattr(iam, f"put_{holder}_policy")(PolicyName="own", PolicyDocument=text, **name)
    answer = getattr(iam, f"get_{holder}_policy")(PolicyName="own", **name)
    assert answer["PolicyDocument"] == json.loads(text)
    for number in range(3):
        getattr(iam, f"put_{holder}_policy")(PolicyName=f"p{number}", PolicyDocument=document(READ), **name)
    pages = iam.get_paginator(f"list_{holder}_policies").paginate(PaginationConfig={"PageSize": 2}, **name)
    assert [found for page in pages for found in page["PolicyNames"]] == ["own", "p0", "p1", "p2"]
    getattr(iam, f"delete_{holder}_policy")(PolicyName="own", **name)
    with fails(GONE, f"The {holder} policy with name own cannot be found."):
        getattr(iam, f"get_{holder}_policy")(PolicyName="own", **name)
    with refused("MalformedPolicyDocument"):
        getattr(iam, f"put_{holder}_policy")(
            PolicyName="bad", PolicyDocument=document(READ).replace("Allow", "Perhaps"), **name
        )


def test_inline_policies_have_quotas(account):
    iam = account.iam
    iam.create_user(UserName="Alice")
    big = document(allow(*[f"kms:{'x' * 93}{number}" for number in range(19)]))
    iam.put_user_policy(UserName="Alice", PolicyName="a", PolicyDocument=big)
    with refused("LimitExceeded", "Maximum policy size of 2048 bytes exceeded for user Alice", status=409):
        iam.put_user_policy(UserName="Alice", PolicyName="b", PolicyDocument=document(READ))


def test_managed_policies_have_versions(account):
    iam = account.iam
    made = iam.create_policy(
        PolicyName="Mine", Path="/p/", PolicyDocument=document(READ), Description="reads", Tags=tags(a="b")
    )["Policy"]
    arn = made["Arn"]
    assert arn == f"arn:aws:iam::{account.number}:policy/p/Mine" and made["PolicyId"].startswith("ANPA")
    assert (made["DefaultVersionId"], made["AttachmentCount"]) == ("v1", 0)
    second = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(WRITE), SetAsDefault=True)
    assert (second["PolicyVersion"]["VersionId"], second["PolicyVersion"]["IsDefaultVersion"]) == ("v2", True)
    for _ in range(3):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(READ))
    with refused("LimitExceeded", status=409):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(READ))
    pages = iam.get_paginator("list_policy_versions").paginate(PolicyArn=arn, PaginationConfig={"PageSize": 2})
    assert named(pages, "Versions", "VersionId") == ["v5", "v4", "v3", "v2", "v1"]
    found = iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    assert found["Document"] == json.loads(document(WRITE))
    with fails(IN_USE, "Cannot delete the default version of a policy."):
        iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v1"
    with fails(GONE, f"Policy {arn} version v2 does not exist or is not attachable."):
        iam.get_policy_version(PolicyArn=arn, VersionId="v2")
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_policy(PolicyArn=arn)


def test_managed_policies_are_attached_and_listed(account):
    iam = account.iam
    iam.create_user(UserName="Alice")
    account.role("Worker")
    iam.create_group(GroupName="Readers")
    arn = account.policy("Mine", READ)
    iam.attach_user_policy(UserName="Alice", PolicyArn=arn)
    iam.attach_user_policy(UserName="Alice", PolicyArn=arn)
    iam.attach_role_policy(RoleName="Worker", PolicyArn=arn)
    iam.attach_group_policy(GroupName="Readers", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 3
    holders = iam.list_entities_for_policy(PolicyArn=arn)
    assert [user["UserName"] for user in holders["PolicyUsers"]] == ["Alice"]
    assert [role["RoleName"] for role in holders["PolicyRoles"]] == ["Worker"]
    assert [group["GroupName"] for group in holders["PolicyGroups"]] == ["Readers"]
    pages = iam.get_paginator("list_policies").paginate(Scope="Local", OnlyAttached=True)
    assert named(pages, "Policies", "Arn") == [arn]
    with fails(IN_USE, "Cannot delete a policy attached to entities."):
        iam.delete_policy(PolicyArn=arn)
    with fails(IN_USE, "Cannot delete entity, must detach all policies first."):
        iam.delete_role(RoleName="Worker")
    iam.detach_user_policy(UserName="Alice", PolicyArn=arn)
    with fails(GONE, f"Policy {arn} was not found."):
        iam.detach_user_policy(UserName="Alice", PolicyArn=arn)
    iam.detach_role_policy(RoleName="Worker", PolicyArn=arn)
    iam.detach_group_policy(GroupName="Readers", PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)
    with fails(GONE, f"Policy {arn} was not found."):
        iam.get_policy(PolicyArn=arn)


def test_policies_of_aws_are_there(account):
    iam = account.iam
    arn = "arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser"
    assert arn in named(iam.get_paginator("list_policies").paginate(Scope="AWS"), "Policies", "Arn")
    alice = account.user("Alice")
    iam.attach_user_policy(UserName="Alice", PolicyArn=arn)
    assert alice.kms.list_keys()["Keys"] == []
    with pytest.raises(ClientError) as caught:
        iam.delete_policy(PolicyArn=arn)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.parametrize("holder", ["user", "role"])
def test_permissions_boundaries_are_set_and_removed(account, holder):
    iam, name = account.iam, {f"{holder.title()}Name": "Holder"}
    arn = account.policy("Bound", READ)
    if holder == "role":
        account.role("Holder", PermissionsBoundary=arn)
    else:
        iam.create_user(UserName="Holder", PermissionsBoundary=arn)

    def boundary():
        return getattr(iam, f"get_{holder}")(**name)[holder.title()].get("PermissionsBoundary")

    expected = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    assert boundary() == expected
    assert iam.get_policy(PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_policy(PolicyArn=arn)
    getattr(iam, f"delete_{holder}_permissions_boundary")(**name)
    assert boundary() is None
    getattr(iam, f"put_{holder}_permissions_boundary")(PermissionsBoundary=arn, **name)
    assert boundary() == expected
    missing = f"arn:aws:iam::{account.number}:policy/Missing"
    with fails(GONE, f"Scope ARN: {missing} does not exist or is not attachable."):
        getattr(iam, f"put_{holder}_permissions_boundary")(PermissionsBoundary=missing, **name)


@pytest.mark.parametrize(
    "noun, name",
    [("user", "UserName"), ("role", "RoleName"), ("policy", "PolicyArn"), ("instance_profile", "InstanceProfileName")],
)
def test_tags_are_set_listed_and_removed(account, noun, name):
    iam = account.iam
    make = {
        "user": lambda: iam.create_user(UserName="T"),
        "role": lambda: account.role("T"),
        "policy": lambda: account.policy("T", READ),
        "instance_profile": lambda: iam.create_instance_profile(InstanceProfileName="T"),
    }[noun]
    made = make()
    which = {name: made if noun == "policy" else "T"}
    getattr(iam, f"tag_{noun}")(Tags=tags(a="1", B="2", c=""), **which)
    getattr(iam, f"tag_{noun}")(Tags=tags(a="3"), **which)
    pages = iam.get_paginator(f"list_{noun}_tags").paginate(PaginationConfig={"PageSize": 2}, **which)
    assert pairs([tag for page in pages for tag in page["Tags"]]) == {"a": "3", "B": "2", "c": ""}
    getattr(iam, f"untag_{noun}")(TagKeys=["B", "unknown"], **which)
    assert pairs(getattr(iam, f"list_{noun}_tags")(**which)["Tags"]) == {"a": "3", "c": ""}
    with refused("InvalidInput"):
        getattr(iam, f"tag_{noun}")(Tags=tags(x="1", X="2"), **which)


def test_the_account_has_an_alias_a_summary_and_details(account, other):
    iam = account.iam
    alias = f"alias-{account.number}"
    iam.create_account_alias(AccountAlias=alias)
    assert iam.list_account_aliases()["AccountAliases"] == [alias]
    with fails(TAKEN, f"The account alias {alias} already exists."):
        other.iam.create_account_alias(AccountAlias=alias)
    with fails(GONE, f"The account alias {alias} cannot be found."):
        other.iam.delete_account_alias(AccountAlias=alias)
    iam.delete_account_alias(AccountAlias=alias)
    assert iam.list_account_aliases()["AccountAliases"] == []
    account.user("Alice", READ)
    account.role("Worker", READ)
    iam.create_group(GroupName="Readers")
    arn = account.policy("Mine", READ)
    iam.attach_user_policy(UserName="Alice", PolicyArn=arn)
    summary = iam.get_account_summary()["SummaryMap"]
    counted = {name: summary[name] for name in ("Users", "Groups", "Roles", "Policies", "UsersQuota")}
    assert counted == {"Users": 1, "Groups": 1, "Roles": 1, "Policies": 1, "UsersQuota": 5000}
    details = list(iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 1}))
    user = [user for page in details for user in page["UserDetailList"]][0]
    assert user["UserPolicyList"] == [{"PolicyName": "own", "PolicyDocument": json.loads(document(READ))}]
    assert user["AttachedManagedPolicies"] == [{"PolicyName": "Mine", "PolicyArn": arn}]
    assert named(details, "RoleDetailList", "RoleName") == ["Worker"]
    local = iam.get_account_authorization_details(Filter=["LocalManagedPolicy"])["Policies"]
    assert [policy["PolicyName"] for policy in local] == ["Mine"]


def test_what_terraform_and_ansible_ask_before_they_delete_a_user(account):
    iam = account.iam
    iam.create_user(UserName="Alice")
    for operation, member in [
        ("list_mfa_devices", "MFADevices"),
        ("list_signing_certificates", "Certificates"),
        ("list_ssh_public_keys", "SSHPublicKeys"),
        ("list_service_specific_credentials", "ServiceSpecificCredentials"),
    ]:
        assert getattr(iam, operation)(UserName="Alice")[member] == []
    with fails(GONE, "Login Profile for User Alice cannot be found."):
        iam.get_login_profile(UserName="Alice")


def test_openid_connect_providers(account):
    iam, thumbprint = account.iam, "A" * 40
    made = iam.create_open_id_connect_provider(
        Url="https://issuer.example.org/tenant", ClientIDList=["one"], ThumbprintList=[thumbprint], Tags=tags(a="b")
    )
    arn = made["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{account.number}:oidc-provider/issuer.example.org/tenant"
    assert pairs(made["Tags"]) == {"a": "b"}
    with fails(TAKEN, "Provider with url https://issuer.example.org/tenant already exists."):
        iam.create_open_id_connect_provider(Url="https://issuer.example.org/tenant")
    which = {"OpenIDConnectProviderArn": arn}
    iam.add_client_id_to_open_id_connect_provider(ClientID="two", **which)
    iam.remove_client_id_from_open_id_connect_provider(ClientID="one", **which)
    iam.update_open_id_connect_provider_thumbprint(ThumbprintList=["b" * 40], **which)
    iam.tag_open_id_connect_provider(Tags=tags(c="d"), **which)
    iam.untag_open_id_connect_provider(TagKeys=["a"], **which)
    shown = iam.get_open_id_connect_provider(**which)
    assert (shown["Url"], shown["ClientIDList"]) == ("issuer.example.org/tenant", ["two"])
    assert (shown["ThumbprintList"], pairs(shown["Tags"])) == (["b" * 40], {"c": "d"})
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": arn}]
    iam.delete_open_id_connect_provider(**which)
    with fails(GONE, f"OpenIDConnect Provider not found for arn {arn}"):
        iam.get_open_id_connect_provider(**which)
    with refused("ValidationError", "Invalid Open ID Connect Provider URL"):
        iam.create_open_id_connect_provider(Url="http://issuer.example.org")


def test_a_service_linked_role_belongs_to_its_service(account):
    made = account.iam.create_service_linked_role(AWSServiceName="mrk.kms.amazonaws.com")["Role"]
    name = "AWSServiceRoleForKeyManagementServiceMultiRegionKeys"
    assert (made["RoleName"], made["Path"]) == (name, "/aws-service-role/mrk.kms.amazonaws.com/")
    with refused("UnmodifiableEntity"):
        account.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(READ))


def test_simulation_answers_as_a_request_would(account):
    alice = account.user("Alice", allow("kms:Encrypt"))
    answer = account.iam.simulate_principal_policy(
        PolicySourceArn=alice.arn, ActionNames=["kms:Encrypt", "kms:Decrypt"]
    )
    decisions = {entry["EvalActionName"]: entry["EvalDecision"] for entry in answer["EvaluationResults"]}
    assert decisions == {"kms:Encrypt": "allowed", "kms:Decrypt": "implicitDeny"}


def test_accounts_do_not_see_each_other(account, other):
    account.user("Alice")
    with fails(GONE, "The user with name Alice cannot be found."):
        other.iam.get_user(UserName="Alice")
    assert other.iam.list_users()["Users"] == []
    arn = account.policy("Mine", READ)
    with pytest.raises(ClientError) as caught:
        other.iam.get_policy(PolicyArn=arn)
    assert caught.value.response["Error"]["Code"] in {"AccessDenied", "NoSuchEntity"}


def test_everything_is_there_after_a_restart(fresh_server):
    account = Account(fresh_server.url)
    alice = account.user("Alice", allow("kms:ListKeys"))
    fresh_server.restart()
    assert account.iam.get_user(UserName="Alice")["User"]["UserId"] == alice.id
    assert alice.kms.list_keys()["Keys"] == []
