"""Grants by boto3: made, listed, used as a user and as a session, passed on, retired, revoked, and across accounts."""

import pytest

from expect import Reason, denied, refused
from people import allow, document

FINANCE = {"Department": "Finance"}


@pytest.fixture
def key(account):
    """A key whose policy leaves everything to IAM."""
    return account.key()


def grant(account, key, grantee, *operations, **more):
    return account.kms.create_grant(KeyId=key, GranteePrincipal=grantee, Operations=list(operations), **more)


def encrypts(who, key, **parameters):
    assert who.kms.encrypt(KeyId=key, Plaintext=b"x", **parameters)["KeyId"] == key


def may_not_encrypt(who, key, reason=Reason.IDENTITY, **parameters):
    with denied(who, "kms:Encrypt", key, reason):
        who.kms.encrypt(KeyId=key, Plaintext=b"x", **parameters)


def listed(account, key, **filters):
    pages = account.kms.get_paginator("list_grants").paginate(KeyId=key, **filters)
    return [entry for page in pages for entry in page["Grants"]]


def test_a_grant_is_made_listed_and_used(account, key):
    alice, bob = account.user("Alice"), account.user("Bob")
    made = grant(account, key, alice.arn, "Encrypt", "DescribeKey", RetiringPrincipal=bob.arn, Name="first")
    assert len(made["GrantId"]) == 64
    (entry,) = listed(account, key)
    del entry["CreationDate"]
    assert entry == {
        "KeyId": key,
        "GrantId": made["GrantId"],
        "Name": "first",
        "GranteePrincipal": alice.arn,
        "RetiringPrincipal": bob.arn,
        "IssuingAccount": account.arn,
        "Operations": ["Encrypt", "DescribeKey"],
    }
    encrypts(alice, key)
    alice.kms.describe_key(KeyId=key)
    may_not_encrypt(bob, key)
    with denied(alice, "kms:Decrypt", key, Reason.IDENTITY):
        alice.kms.decrypt(CiphertextBlob=account.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"])


def test_grants_are_filtered_and_come_in_pages(account, key):
    alice, bob = account.user("Alice"), account.user("Bob")
    made = [grant(account, key, alice.arn, "Decrypt", RetiringPrincipal=bob.arn)["GrantId"] for _ in range(5)]
    last = grant(account, key, bob.arn, "Decrypt")["GrantId"]
    sizes = [len(page["Grants"]) for page in account.kms.get_paginator("list_grants").paginate(KeyId=key, Limit=4)]
    assert sizes == [4, 2]
    assert {entry["GrantId"] for entry in listed(account, key, GranteePrincipal=alice.arn)} == set(made)
    assert [entry["GrantId"] for entry in listed(account, key, GrantId=last)] == [last]
    retirable = bob.kms.get_paginator("list_retirable_grants")
    with denied(bob, "kms:ListRetirableGrants", bob.arn, Reason.IDENTITY):
        list(retirable.paginate(RetiringPrincipal=bob.arn))
    pages = account.kms.get_paginator("list_retirable_grants").paginate(RetiringPrincipal=bob.arn, Limit=2)
    assert {entry["GrantId"] for page in pages for entry in page["Grants"]} == set(made)


def test_a_grants_token_is_accepted_and_another_is_not(account, key):
    alice = account.user("Alice")
    token = grant(account, key, alice.arn, "Encrypt")["GrantToken"]
    encrypts(alice, key, GrantTokens=[token])
    for bad in (token[:-1], f"{token}A", "not-a-token"):
        with refused("InvalidGrantTokenException"):
            alice.kms.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[bad])
    named = {"Name": "same", "Constraints": {"EncryptionContextEquals": FINANCE}}
    one, two = (grant(account, key, alice.arn, "Decrypt", **named) for _ in range(2))
    assert one["GrantId"] == two["GrantId"] and one["GrantToken"] != two["GrantToken"]
    assert grant(account, key, alice.arn, "Encrypt", **named)["GrantId"] != one["GrantId"]


@pytest.mark.parametrize(
    "constraint, accepted, refused_ones",
    [
        ("EncryptionContextEquals", [FINANCE], [{}, {"Department": "Sales"}, {**FINANCE, "more": "1"}]),
        ("EncryptionContextSubset", [FINANCE, {**FINANCE, "more": "1"}], [{}, {"Department": "Sales"}]),
    ],
)
def test_constraints_admit_some_encryption_contexts(account, key, constraint, accepted, refused_ones):
    alice = account.user("Alice")
    grant(account, key, alice.arn, "Encrypt", "GenerateDataKey", "DescribeKey", Constraints={constraint: FINANCE})
    assert listed(account, key)[0]["Constraints"] == {constraint: FINANCE}
    for context in accepted:
        encrypts(alice, key, EncryptionContext=context)
        alice.kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    for context in refused_ones:
        may_not_encrypt(alice, key, EncryptionContext=context)
    alice.kms.describe_key(KeyId=key)


def test_a_grant_is_revoked_by_whom_the_key_policy_lets(account, key):
    alice, bob = account.user("Alice"), account.user("Bob", allow("kms:RevokeGrant"))
    made = grant(account, key, alice.arn, "Encrypt", "RetireGrant")["GrantId"]
    with denied(alice, "kms:RevokeGrant", key, Reason.IDENTITY):
        alice.kms.revoke_grant(KeyId=key, GrantId=made)
    with refused("NotFoundException"):
        bob.kms.revoke_grant(KeyId=key, GrantId="0" * 64)
    encrypts(alice, key)
    bob.kms.revoke_grant(KeyId=key, GrantId=made)
    may_not_encrypt(alice, key)
    assert listed(account, key) == []


def test_a_grant_is_retired_by_whom_it_names(account, key):
    alice, bob = account.user("Alice"), account.user("Bob", allow("kms:RetireGrant"))
    grantee = grant(account, key, alice.arn, "Encrypt", "RetireGrant")
    by_bob = grant(account, key, alice.arn, "Decrypt", RetiringPrincipal=bob.arn)
    by_root = grant(account, key, alice.arn, "Decrypt")
    for who, made in [(bob, grantee), (alice, by_bob), (bob, by_root), (alice, by_root)]:
        with refused("AccessDeniedException"):
            who.kms.retire_grant(KeyId=key, GrantId=made["GrantId"])
    alice.kms.retire_grant(GrantToken=grantee["GrantToken"])
    bob.kms.retire_grant(KeyId=key, GrantId=by_bob["GrantId"])
    account.kms.retire_grant(GrantToken=by_root["GrantToken"])
    assert listed(account, key) == []
    may_not_encrypt(alice, key)
    with refused("ValidationException"):
        alice.kms.retire_grant(KeyId=key)


def test_dry_runs_change_nothing(account, key):
    alice = account.user("Alice")
    would = "The request would have succeeded, but the DryRun option is set."
    with refused("DryRunOperationException", would):
        grant(account, key, alice.arn, "Encrypt", DryRun=True)
    assert listed(account, key) == []
    made = grant(account, key, alice.arn, "Encrypt")
    with refused("DryRunOperationException", would):
        account.kms.revoke_grant(KeyId=key, GrantId=made["GrantId"], DryRun=True)
    with refused("DryRunOperationException", would):
        account.kms.retire_grant(GrantToken=made["GrantToken"], DryRun=True)
    with refused("AccessDeniedException"):
        alice.kms.revoke_grant(KeyId=key, GrantId=made["GrantId"], DryRun=True)
    encrypts(alice, key)


def test_a_grantee_passes_on_no_more_than_it_has(account, key):
    alice, bob = account.user("Alice"), account.user("Bob")
    subset = {"EncryptionContextSubset": FINANCE}
    grant(account, key, alice.arn, "CreateGrant", "Encrypt", "Decrypt", Constraints=subset)
    for operations, constraints in [
        (["Encrypt"], {}),
        (["GenerateDataKey"], subset),
        (["Encrypt"], {"EncryptionContextSubset": {"Department": "Sales"}}),
    ]:
        with denied(alice, "kms:CreateGrant", key, Reason.IDENTITY):
            grant(alice, key, bob.arn, *operations, Constraints=constraints)
    narrower = {"EncryptionContextEquals": {**FINANCE, "year": "2026"}}
    grant(alice, key, bob.arn, "Encrypt", Constraints=narrower)
    encrypts(bob, key, EncryptionContext={**FINANCE, "year": "2026"})
    may_not_encrypt(bob, key, EncryptionContext=FINANCE)


@pytest.mark.parametrize("named", ["role", "session"])
def test_sessions_are_granted_by_role_or_by_themselves(account, key, named):
    role = account.role("Worker")
    one, two = account.session(role, "one"), account.session(role, "two")
    narrow = account.session(role, "one", PolicyArns=[{"arn": account.policy("Narrow", allow("kms:Decrypt"))}])
    made = grant(account, key, role if named == "role" else one.arn, "Encrypt")
    encrypts(one, key)
    if named == "role":
        encrypts(two, key)
        may_not_encrypt(narrow, key)
    else:
        may_not_encrypt(two, key)
        encrypts(narrow, key)
    account.kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])
    may_not_encrypt(one, key)


def test_another_accounts_user_needs_a_policy_of_its_own_too(account, other, key):
    bob = other.user("Bob")
    made = grant(account, key, bob.arn, "Encrypt", "RetireGrant")
    may_not_encrypt(bob, key, Reason.ELSEWHERE)
    other.iam.put_user_policy(UserName="Bob", PolicyName="p", PolicyDocument=document(allow("kms:Encrypt")))
    encrypts(bob, key)
    may_not_encrypt(other.user("Carol", allow("kms:*")), key, Reason.ELSEWHERE)
    bob.kms.retire_grant(KeyId=key, GrantId=made["GrantId"])
    may_not_encrypt(bob, key, Reason.ELSEWHERE)


def test_a_namesake_of_the_grantee_is_somebody_else(account, key):
    alice = account.user("Alice")
    grant(account, key, alice.arn, "Encrypt")
    encrypts(alice, key)
    account.iam.delete_access_key(UserName="Alice", AccessKeyId=alice.access_key)
    account.iam.delete_user(UserName="Alice")
    may_not_encrypt(account.user("Alice"), key)


def test_requests_are_checked(account, key):
    root, missing = account.arn, f"{account.arn[:-4]}user/Nobody"
    with refused("InvalidArnException", f"ARN does not refer to a valid principal: {missing}"):
        grant(account, key, missing, "Encrypt")
    with refused("InvalidArnException", "ARN is not valid: Nobody"):
        grant(account, key, "Nobody", "Encrypt")
    with refused("ValidationException", "Grants must not contain only the CreateGrant operation."):
        grant(account, key, root, "CreateGrant")
    with refused("ValidationException"):
        grant(account, key, root, "Sign")
    with refused("ValidationException", "More than one constraint supplied"):
        grant(account, key, root, "Encrypt", Constraints={"EncryptionContextEquals": {}, "EncryptionContextSubset": {}})
    with refused("ValidationException"):
        grant(account, key, root, "Burn")


def test_conditions_limit_who_may_grant_what(account, key):
    alice = account.user("Alice")
    condition = {"ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt", "DescribeKey"]}}
    bob = account.user("Bob", allow("kms:CreateGrant", Condition=condition))
    grant(bob, key, alice.arn, "Encrypt")
    with denied(bob, "kms:CreateGrant", key, Reason.IDENTITY):
        grant(bob, key, alice.arn, "Encrypt", "Decrypt")
