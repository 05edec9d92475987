"""What operators say and ask: `keyreeve explain`, `account set`, `service register`; services that speak for others."""

import json
import subprocess

import pytest

import wire
from expect import Reason, denied
from people import Account, allow, deny, document
from server import BINARY


@pytest.fixture
def keyreeve(server):
    """Runs a command against the server's admin socket."""

    def run(*arguments, fails=False):
        command = [str(BINARY), *map(str, arguments), "--data", str(server.data)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode != 0) == fails, (command, done)
        return done.stderr if fails else done.stdout

    return run


@pytest.fixture
def explain(keyreeve):
    def run(who, action, resource, *more):
        question = ("--principal", who, "--action", action, "--resource", resource)
        return json.loads(keyreeve("explain", *question, *more, "--json"))

    return run


def test_an_explanation_is_for_people(keyreeve, account):
    alice = account.user("Alice", allow("kms:Decrypt"), deny("kms:ScheduleKeyDeletion", Sid="NoDeletion"))
    key = account.key()
    question = ("--principal", alice.arn, "--resource", key)
    lines = keyreeve("explain", *question, "--action", "kms:Encrypt").splitlines()
    refusal = (
        f"User: {alice.arn} is not authorized to perform: kms:Encrypt on resource: {key} because no identity-based"
    )
    assert lines[0] == f"DENY kms:Encrypt on {key} for {alice.arn}"
    assert lines[1].strip() == f"{refusal} policy allows the kms:Encrypt action"
    assert lines[2].strip() == "A policy of the caller must allow kms:Encrypt."
    assert "the action kms:Encrypt is not among its actions" in "\n".join(lines)
    with denied(alice, "kms:Encrypt", key, Reason.IDENTITY):
        alice.kms.encrypt(KeyId=key, Plaintext=b"x")
    assert keyreeve("explain", *question, "--action", "kms:decrypt").startswith(f"ALLOW kms:Decrypt on {key}")
    text = keyreeve("explain", *question, "--action", "kms:ScheduleKeyDeletion")
    assert "statement 2 (NoDeletion) of " in text and "a Deny always wins" in text


def test_an_explanation_is_for_machines(explain, account, other):
    alice = account.user("Alice", allow("kms:Encrypt", Condition={"StringEquals": {"aws:SourceIp": "10.0.0.1"}}))
    key = account.key()
    told = explain(alice.arn, "kms:Encrypt", key)
    assert (told["allowed"], told["caller"], told["action"], told["resource"]) == (False, alice.arn, "kms:Encrypt", key)
    assert told["reason"].endswith("because no identity-based policy allows the kms:Encrypt action") and told["remedy"]
    statements = [one for policy in told["policies"] for one in policy["statements"]]
    assert [one["effect"] for one in statements] == ["Allow"] * len(statements)
    assert any("aws:SourceIp" in (one["mismatch"] or "") for one in statements)
    told = explain(alice.arn, "kms:Encrypt", key, "--context", "aws:SourceIp=10.0.0.1")
    assert (told["allowed"], told["remedy"]) == (True, None)
    assert {policy["kind"] for policy in told["policies"]} == {"key-policy", "identity"}
    assert explain(account.arn, "kms:Encrypt", key)["allowed"]
    assert not explain(other.arn, "kms:Encrypt", key)["allowed"]
    bob = account.user("Bob")
    grant = account.kms.create_grant(KeyId=key, GranteePrincipal=bob.arn, Operations=["Encrypt"])["GrantId"]
    told = explain(bob.arn, "kms:Encrypt", key)
    assert (told["allowed"], told["grant"], told["reason"]) == (True, grant, f"allowed by the grant {grant}")
    role = account.role("Worker", allow("kms:*"))
    assert explain(role, "kms:Encrypt", key)["allowed"]
    assert explain(f"arn:aws:sts::{account.number}:assumed-role/Worker/session", "kms:Encrypt", key)["allowed"]
    assert explain(alice.arn, "iam:CreateUser", f"{account.arn[:-4]}user/New")["allowed"] is False


def test_a_question_that_cannot_be_answered_is_refused(keyreeve, account):
    nobody = f"{account.arn[:-4]}user/Nobody"
    question = ("--resource", "*", "--action")
    text = keyreeve("explain", "--principal", nobody, *question, "kms:ListKeys", fails=True)
    assert f"No principal {nobody} exists." in text
    text = keyreeve("explain", "--principal", account.arn, *question, "kms:Burn", fails=True)
    assert "No operation here asks for kms:Burn." in text


def test_an_accounts_guard_and_organisation(keyreeve, explain, account, tmp_path):
    key = account.key()
    guard = tmp_path / "guard.json"
    guard.write_text(document(allow("*"), deny("kms:ScheduleKeyDeletion")))
    assert account.number in keyreeve("account", "set", account.number, "--guard", guard)
    with denied(account, "kms:ScheduleKeyDeletion", key, Reason.DENY_GUARD):
        account.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    told = explain(account.arn, "kms:ScheduleKeyDeletion", key)
    assert not told["allowed"] and "guard" in {policy["kind"] for policy in told["policies"]}
    guard.write_text("{}")
    keyreeve("account", "set", account.number, "--guard", guard, fails=True)
    keyreeve("account", "set", account.number, "--no-guard")
    account.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    mine = allow("kms:ListKeys", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-aa111bb222cc"}})
    alice = account.user("Alice", mine)
    with denied(alice, "kms:ListKeys", "*", Reason.IDENTITY):
        alice.kms.list_keys()
    keyreeve("account", "set", account.number, "--organization", "o-aa111bb222cc")
    assert len(alice.kms.list_keys()["Keys"]) == 1
    assert "nothing to set" in keyreeve("account", "set", account.number, fails=True)
    keyreeve("account", "set", account.number, "--organization", "nonsense", fails=True)


@pytest.fixture
def storage(keyreeve, server):
    """A service: a session of a role in an account of its own, registered as `s3.us-east-1.amazonaws.com`."""
    home = Account(server.url)
    role = home.role("Storage", allow("kms:*"))
    keyreeve("service", "register", SERVICE, "--role", role)
    service = home.session(role)
    service.role = role
    yield service
    keyreeve("service", "unregister", SERVICE)


SERVICE = "s3.us-east-1.amazonaws.com"
PRINCIPAL = "x-keyreeve-forwarded-principal"
SOURCE_ARN = "x-keyreeve-source-arn"
SOURCE_ACCOUNT = "x-keyreeve-source-account"


def speaks(service, operation, body, leave_out=(), **headers):
    """A request of the service, with its headers signed unless they are left out of the signature."""
    return wire.call(
        service.url,
        operation,
        body,
        access_key=service.access_key,
        secret=service.secret,
        token=service.token,
        more=headers,
        leave_out=leave_out,
    )


def for_whom(who):
    return {PRINCIPAL: who.arn}


def test_services_are_listed(keyreeve, storage):
    listed = json.loads(keyreeve("service", "list", "--json"))
    services = listed["Services"] if isinstance(listed, dict) else listed
    assert {"ServiceName": SERVICE, "AccountId": storage.role.split(":")[4], "RoleName": "Storage"} in services
    assert SERVICE in keyreeve("service", "list")
    assert "is no ARN of a role" in keyreeve("service", "register", SERVICE, "--role", storage.arn, fails=True)


def test_a_managed_key_is_used_by_its_service_only(account, storage):
    alice = account.user("Alice", allow("kms:*"))
    key = account.kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert key["KeyManager"] == "AWS"
    for who in (alice, account):
        with denied(who, "kms:GenerateDataKey", key["Arn"], Reason.KEY_POLICY):
            who.kms.generate_data_key(KeyId="alias/aws/s3", KeySpec="AES_256")
    question = {"KeyId": key["Arn"], "KeySpec": "AES_256"}
    reply = speaks(storage, "GenerateDataKey", question, **for_whom(alice))
    assert reply.status == 200, reply.body
    reply = speaks(storage, "Decrypt", {"CiphertextBlob": reply.json["CiphertextBlob"]}, **for_whom(alice))
    assert reply.status == 200, reply.body
    assert speaks(storage, "GenerateDataKey", question).error[0] == "AccessDeniedException"
    reply = speaks(storage, "ScheduleKeyDeletion", {"KeyId": key["Arn"]}, **for_whom(account))
    assert reply.error[0] == "AccessDeniedException"


def test_a_condition_asks_for_the_service(account, storage):
    via = {
        "StringEquals": {"kms:ViaService": SERVICE},
        "ForAnyValue:StringEquals": {"aws:CalledVia": "s3.amazonaws.com"},
    }
    alice = account.user("Alice", allow("kms:Encrypt", Condition=via))
    key = account.key()
    body = {"KeyId": key, "Plaintext": "eA=="}
    with denied(alice, "kms:Encrypt", key, Reason.IDENTITY):
        alice.kms.encrypt(KeyId=key, Plaintext=b"x")
    assert speaks(storage, "Encrypt", body, **for_whom(alice)).status == 200
    bob = account.user("Bob")
    code, text = speaks(storage, "Encrypt", body, **for_whom(bob)).error
    assert code == "AccessDeniedException" and text.startswith(
        f"User: {bob.arn} is not authorized to perform: kms:Encrypt"
    )
    barred = account.user(
        "Carol", allow("kms:*"), deny("kms:*", Condition={"StringEquals": {"kms:ViaService": SERVICE}})
    )
    barred.kms.encrypt(KeyId=key, Plaintext=b"x")
    assert speaks(storage, "Encrypt", body, **for_whom(barred)).error[0] == "AccessDeniedException"


def test_a_service_speaks_for_a_session_and_for_a_resource(account, storage):
    session = account.session(account.role("Worker", allow("kms:Encrypt")))
    key = account.key()
    body = {"KeyId": key, "Plaintext": "eA=="}
    assert speaks(storage, "Encrypt", body, **for_whom(session)).status == 200
    bucket = "arn:aws:s3:::ledger"
    condition = {"StringEquals": {"aws:SourceAccount": account.number}, "ArnLike": {"aws:SourceArn": bucket}}
    own = account.key(allow("kms:Encrypt", Principal={"Service": "s3.amazonaws.com"}, Condition=condition))
    body["KeyId"] = own
    source = {SOURCE_ARN: bucket, SOURCE_ACCOUNT: account.number}
    assert speaks(storage, "Encrypt", body, **source).status == 200
    for less in (
        {},
        {SOURCE_ARN: bucket},
        {**source, SOURCE_ARN: "arn:aws:s3:::other"},
        {**source, SOURCE_ACCOUNT: "1" * 12},
    ):
        assert speaks(storage, "Encrypt", body, **less).error[0] == "AccessDeniedException", less


def test_only_a_service_speaks_for_others_and_signs_what_it_says(account, storage):
    alice = account.user("Alice", allow("kms:*"))
    body = {"KeyId": account.key(), "Plaintext": "eA=="}
    refusals = [
        (alice, {PRINCIPAL: account.arn}, (), "Only a registered service may speak for others."),
        (account, {SOURCE_ACCOUNT: account.number}, (), "Only a registered service may speak for others."),
        (storage, for_whom(alice), (PRINCIPAL,), f"The header {PRINCIPAL} must be signed, and be there once."),
        (
            storage,
            {PRINCIPAL: storage.role},
            (),
            f"The principal {storage.role} cannot be spoken for, or does not exist.",
        ),
        (
            storage,
            {PRINCIPAL: f"{alice.arn}x"},
            (),
            f"The principal {alice.arn}x cannot be spoken for, or does not exist.",
        ),
        (storage, {SOURCE_ACCOUNT: "1"}, (), f"The value of the header {SOURCE_ACCOUNT} is malformed."),
    ]
    for who, headers, leave_out, text in refusals:
        reply = speaks(who, "Encrypt", body, leave_out, **headers)
        assert (reply.status, reply.error) == (400, ("AccessDeniedException", text)), headers
    assert speaks(storage, "Encrypt", body, **for_whom(alice)).status == 200


def test_an_unregistered_role_is_a_role_again(keyreeve, account, server):
    home = Account(server.url)
    role = home.role("Queue", allow("kms:ListKeys"))
    name = "sqs.us-east-1.amazonaws.com"
    keyreeve("service", "register", name, "--role", role)
    alice = account.user("Alice", allow("kms:ListKeys"))
    service = home.session(role)
    assert speaks(service, "ListKeys", {}, **for_whom(alice)).status == 200
    keyreeve("service", "unregister", name)
    reply = speaks(service, "ListKeys", {}, **for_whom(alice))
    assert reply.error == ("AccessDeniedException", "Only a registered service may speak for others.")
    assert service.kms.list_keys()["Keys"] == []
    assert f"No service {name} is registered." in keyreeve("service", "unregister", name, fails=True)
