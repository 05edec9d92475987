"""KMS as several principals: who is let in by what, AWS's words for whoever is not, and that taking away holds at once."""

import json
import subprocess

import pytest
from botocore import xform_name

from expect import Reason, denied, refused
from people import allow, deny, document, trusting
from server import BINARY

EVERYTHING = allow("kms:*")


def by(principal, *actions, **elements):
    """A statement of a key policy."""
    return allow(*actions, Principal={"AWS": principal}, **elements)


def encrypts(who, key):
    assert who.kms.encrypt(KeyId=key, Plaintext=b"x")["KeyId"] == key


def may_not(who, key, reason, action="Encrypt", **parameters):
    if action == "Encrypt":
        parameters = {"Plaintext": b"x", **parameters}
    with denied(who, f"kms:{action}", key, reason):
        getattr(who.kms, xform_name(action))(KeyId=key, **parameters)


def guard(server, account, *options):
    """`keyreeve account set`."""
    command = [str(BINARY), "account", "set", account.number, *options, "--data", str(server.data)]
    subprocess.run(command, capture_output=True, check=True)


def test_the_default_policy_lets_in_root_and_whom_iam_lets_in(account):
    key = account.key()
    encrypts(account, key)
    encrypts(account.user("Alice", EVERYTHING), key)
    encrypts(account.user("Carol", allow("kms:Encrypt", Resource=key)), key)
    may_not(account.user("Bob"), key, Reason.IDENTITY)
    may_not(account.user("Dave", allow("kms:Decrypt")), key, Reason.IDENTITY)
    may_not(account.user("Erin", EVERYTHING, deny("kms:Encrypt")), key, Reason.DENY_IDENTITY)


def test_without_the_account_in_the_key_policy_iam_lets_nobody_in(account):
    alice, bob = account.user("Alice", EVERYTHING), account.user("Bob")
    key = account.key(by(bob.arn, "kms:Encrypt"))
    encrypts(bob, key)
    may_not(alice, key, Reason.KEY_POLICY)
    may_not(account, key, Reason.KEY_POLICY)
    may_not(bob, key, Reason.KEY_POLICY, "DescribeKey")


def test_a_deny_of_the_key_policy_wins(account):
    alice = account.user("Alice", EVERYTHING)
    key = account.key(by(account.arn, "kms:*"), deny("kms:Encrypt", Principal={"AWS": alice.arn}))
    may_not(alice, key, Reason.DENY_KEY_POLICY)
    encrypts(account, key)
    blob = account.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert alice.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_actions_without_a_key_ask_identity_policies_only(account):
    alice = account.user("Alice")
    for action, call in [
        ("kms:ListKeys", "list_keys"),
        ("kms:CreateKey", "create_key"),
        ("kms:ListAliases", "list_aliases"),
    ]:
        with denied(alice, action, "*", Reason.IDENTITY):
            getattr(alice.kms, call)()
    with denied(alice, "kms:GenerateRandom", "*", Reason.IDENTITY):
        alice.kms.generate_random(NumberOfBytes=8)
    key = account.user("Bob", EVERYTHING).kms.create_key()["KeyMetadata"]
    assert key["AWSAccountId"] == account.number


def test_an_alias_needs_permission_for_itself_and_for_its_key(account):
    key = account.key()
    name = f"alias/{account.number}"
    alias = f"arn:aws:kms:us-east-1:{account.number}:{name}"
    only_key = account.user("Alice", allow("kms:CreateAlias", Resource=key))
    only_alias = account.user("Bob", allow("kms:CreateAlias", Resource=alias))
    with denied(only_key, "kms:CreateAlias", alias, Reason.IDENTITY):
        only_key.kms.create_alias(AliasName=name, TargetKeyId=key)
    with denied(only_alias, "kms:CreateAlias", key, Reason.IDENTITY):
        only_alias.kms.create_alias(AliasName=name, TargetKeyId=key)
    account.user("Carol", allow("kms:CreateAlias", Resource=[key, alias])).kms.create_alias(
        AliasName=name, TargetKeyId=key
    )


def test_a_group_lets_its_members_in(account):
    iam, key = account.iam, account.key()
    alice = account.user("Alice")
    iam.create_group(GroupName="Users")
    iam.put_group_policy(GroupName="Users", PolicyName="p", PolicyDocument=document(EVERYTHING))
    may_not(alice, key, Reason.IDENTITY)
    iam.add_user_to_group(GroupName="Users", UserName="Alice")
    encrypts(alice, key)
    iam.put_group_policy(GroupName="Users", PolicyName="p", PolicyDocument=document(deny("kms:Encrypt"), EVERYTHING))
    may_not(alice, key, Reason.DENY_IDENTITY)
    iam.put_group_policy(GroupName="Users", PolicyName="p", PolicyDocument=document(EVERYTHING))
    iam.remove_user_from_group(GroupName="Users", UserName="Alice")
    may_not(alice, key, Reason.IDENTITY)


def test_a_session_of_a_role_may_what_the_role_may(account):
    key = account.key()
    session = account.session(account.role("Worker", allow("kms:Encrypt")), "night-shift")
    assert session.arn == f"arn:aws:sts::{account.number}:assumed-role/Worker/night-shift"
    encrypts(session, key)
    may_not(session, key, Reason.IDENTITY, "DescribeKey")


def test_a_key_policy_names_a_role_or_one_of_its_sessions(account):
    role = account.role("Worker")
    one, two = account.session(role, "one"), account.session(role, "two")
    of_role, of_session = account.key(by(role, "kms:Encrypt")), account.key(by(one.arn, "kms:Encrypt"))
    encrypts(one, of_role)
    encrypts(two, of_role)
    encrypts(one, of_session)
    may_not(two, of_session, Reason.KEY_POLICY)


@pytest.mark.parametrize("limit", ["boundary", "session policy"])
def test_what_limits_a_role_does_not_limit_whom_the_key_policy_names_itself(account, limit):
    """A boundary and a session policy limit a role's statement, not one about the session or the user itself."""
    narrow = account.policy("Narrow", allow("kms:Decrypt"))
    if limit == "boundary":
        role, how, reason = account.role("Worker", EVERYTHING, PermissionsBoundary=narrow), {}, Reason.BOUNDARY
    else:
        role, how, reason = account.role("Worker", EVERYTHING), {"PolicyArns": [{"arn": narrow}]}, Reason.SESSION
    session = account.session(role, **how)
    may_not(session, account.key(), reason)
    may_not(session, account.key(by(role, "kms:Encrypt")), reason)
    encrypts(session, account.key(by(session.arn, "kms:Encrypt")))
    encrypts(account.session(account.role("Free", EVERYTHING)), account.key())


def test_a_boundary_limits_a_user(account):
    bound = account.policy("Bound", allow("kms:Encrypt"))
    alice = account.user("Alice", EVERYTHING, PermissionsBoundary=bound)
    key = account.key()
    encrypts(alice, key)
    may_not(alice, key, Reason.BOUNDARY, "DescribeKey")
    account.iam.create_policy_version(PolicyArn=bound, PolicyDocument=document(deny("kms:*")), SetAsDefault=True)
    may_not(alice, key, Reason.DENY_BOUNDARY)
    encrypts_named = account.user("Bob", PermissionsBoundary=account.policy("Nothing", allow("s3:*")))
    encrypts(encrypts_named, account.key(by(encrypts_named.arn, "kms:Encrypt")))


def test_a_session_policy_denies_in_its_own_words(account):
    role = account.role("Worker", EVERYTHING)
    key = account.key()
    may_not(account.session(role, Policy=document(allow("kms:Decrypt"))), key, Reason.SESSION)
    may_not(account.session(role, Policy=document(EVERYTHING, deny("kms:Encrypt"))), key, Reason.DENY_SESSION)


def test_a_guard_limits_everybody_of_an_account_root_too(server, account, tmp_path):
    alice = account.user("Alice", EVERYTHING)
    key = account.key()
    file = tmp_path / "guard.json"
    file.write_text(document(allow("*"), deny("kms:Encrypt")))
    guard(server, account, "--guard", str(file))
    may_not(alice, key, Reason.DENY_GUARD)
    may_not(account, key, Reason.DENY_GUARD)
    file.write_text(document(allow("kms:Decrypt", "kms:DescribeKey")))
    guard(server, account, "--guard", str(file))
    may_not(alice, key, Reason.GUARD)
    assert alice.kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key
    guard(server, account, "--no-guard")
    encrypts(alice, key)


def test_another_account_needs_both_sides(account, other):
    mine, theirs = account.user("Alice", EVERYTHING), other.user("Bob", EVERYTHING)
    unable = other.user("Carol")
    for named in (other.arn, theirs.arn):
        key = account.key(by([named, account.arn], "kms:Encrypt", "kms:DescribeKey", "kms:DisableKey"))
        encrypts(mine, key)
        encrypts(theirs, key)
        reason = Reason.IDENTITY if named == other.arn else Reason.ELSEWHERE
        may_not(unable, key, reason)
        may_not(theirs, key, Reason.ELSEWHERE, "GetKeyPolicy")
        # AWS lets nobody of another account do this, whatever the policies say.
        may_not(theirs, key, Reason.ELSEWHERE, "DisableKey")
    closed = account.key()
    missing = closed[:-4] + "0000"
    may_not(theirs, closed, Reason.ELSEWHERE)
    may_not(theirs, missing, Reason.ELSEWHERE)
    encrypts(other, account.key(by(other.arn, "kms:Encrypt")))
    may_not(other, closed, Reason.ELSEWHERE)


def test_a_role_is_assumed_from_another_account_and_used(account, other):
    bob = other.user("Bob", allow("sts:AssumeRole"))
    role = account.role("Visitors", EVERYTHING, trust=trusting(other.arn))
    key = account.key()
    encrypts(bob.assume(role), key)
    may_not(bob, key, Reason.ELSEWHERE)


def test_conditions_of_the_request_and_of_the_key(account):
    context = allow("kms:Encrypt", Condition={"StringEquals": {"kms:EncryptionContext:team": "red"}})
    tagged = allow(
        "kms:DescribeKey", Condition={"StringEquals": {"aws:ResourceTag/stage": "${aws:PrincipalTag/stage}"}}
    )
    alice = account.user("Alice", context, tagged, Tags=[{"Key": "stage", "Value": "test"}])
    key = account.key(Tags=[{"TagKey": "stage", "TagValue": "test"}])
    alice.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"team": "red"})
    may_not(alice, key, Reason.IDENTITY, EncryptionContext={"team": "blue"})
    alice.kms.describe_key(KeyId=key)
    account.iam.tag_user(UserName="Alice", Tags=[{"Key": "stage", "Value": "prod"}])
    may_not(alice, key, Reason.IDENTITY, "DescribeKey")


def test_re_encrypt_asks_both_keys(account):
    source, target = account.key(), account.key()
    alice = account.user("Alice", allow("kms:ReEncryptFrom", Resource=source))
    blob = account.kms.encrypt(KeyId=source, Plaintext=b"x")["CiphertextBlob"]
    with denied(alice, "kms:ReEncryptTo", target, Reason.IDENTITY):
        alice.kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=target)
    policy = document(allow("kms:ReEncryptFrom", Resource=source), allow("kms:ReEncryptTo", Resource=target))
    account.iam.put_user_policy(UserName="Alice", PolicyName="own", PolicyDocument=policy)
    again = alice.kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=target)
    assert (again["SourceKeyId"], again["KeyId"]) == (source, target)


def delete_user(account, person, name="Alice"):
    account.iam.delete_access_key(UserName=name, AccessKeyId=person.access_key)
    account.iam.delete_user(UserName=name)


def test_a_namesake_of_a_deleted_user_is_somebody_else(account):
    alice = account.user("Alice")
    key = account.key(by(alice.arn, "kms:Encrypt"))

    def shown():
        policy = json.loads(account.kms.get_key_policy(KeyId=key)["Policy"])
        return policy["Statement"][1]["Principal"]["AWS"]

    encrypts(alice, key)
    assert shown() == alice.arn
    delete_user(account, alice)
    assert shown() == alice.id
    namesake = account.user("Alice")
    assert (namesake.arn, namesake.id == alice.id) == (alice.arn, False)
    may_not(namesake, key, Reason.KEY_POLICY)
    assert shown() == alice.id
    missing = f"{account.arn[:-4]}user/Nobody"
    with refused("MalformedPolicyDocumentException"):
        account.kms.put_key_policy(KeyId=key, Policy=document(by(account.arn, "kms:*"), by(missing, "kms:Encrypt")))


def test_detaching_a_policy_holds_at_the_next_call(account):
    iam, key = account.iam, account.key()
    policy = account.policy("Mine", EVERYTHING)
    alice = account.user("Alice")
    session = account.session(account.role("Worker"))
    for _ in range(3):
        iam.attach_user_policy(UserName="Alice", PolicyArn=policy)
        iam.attach_role_policy(RoleName="Worker", PolicyArn=policy)
        encrypts(alice, key)
        encrypts(session, key)
        iam.detach_user_policy(UserName="Alice", PolicyArn=policy)
        iam.detach_role_policy(RoleName="Worker", PolicyArn=policy)
        may_not(alice, key, Reason.IDENTITY)
        may_not(session, key, Reason.IDENTITY)


def test_a_new_version_of_a_policy_holds_at_the_next_call(account):
    policy = account.policy("Mine", EVERYTHING)
    alice = account.user("Alice")
    account.iam.attach_user_policy(UserName="Alice", PolicyArn=policy)
    key = account.key()
    encrypts(alice, key)
    account.iam.create_policy_version(PolicyArn=policy, PolicyDocument=document(allow("s3:*")), SetAsDefault=True)
    may_not(alice, key, Reason.IDENTITY)
    account.iam.set_default_policy_version(PolicyArn=policy, VersionId="v1")
    encrypts(alice, key)
    account.kms.put_key_policy(KeyId=key, Policy=document(by(account.arn, "kms:PutKeyPolicy")))
    may_not(alice, key, Reason.KEY_POLICY)


def test_a_deleted_access_key_and_user_are_refused_at_once(account):
    alice = account.user("Alice", EVERYTHING)
    key = account.key()
    encrypts(alice, key)
    account.iam.delete_user_policy(UserName="Alice", PolicyName="own")
    delete_user(account, alice)
    with refused("UnrecognizedClientException", "The security token included in the request is invalid."):
        alice.kms.encrypt(KeyId=key, Plaintext=b"x")


def test_a_deleted_roles_sessions_are_dead_and_a_namesake_does_not_wake_them(account):
    role = account.role("Worker", EVERYTHING)
    session, key = account.session(role), account.key()
    encrypts(session, key)
    account.iam.delete_role_policy(RoleName="Worker", PolicyName="own")
    account.iam.delete_role(RoleName="Worker")

    def is_dead():
        with refused("UnrecognizedClientException", "The security token included in the request is invalid."):
            session.kms.encrypt(KeyId=key, Plaintext=b"x")

    is_dead()
    account.role("Worker", EVERYTHING)
    is_dead()
    encrypts(account.session(role), key)
