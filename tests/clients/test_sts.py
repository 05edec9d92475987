"""STS: who calls, sessions of roles and of users, and tokens of an OpenID Connect issuer exchanged for a session."""

import datetime
import json
import os
import re
import subprocess
import sys
import time
from unittest import mock

import boto3
import botocore.auth
import botocore.config
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

import wire
from expect import ANY_TEXT, Reason, denied, refused
from issuer import Issuer, base64url
from people import Account, Principal, allow, document, in_session, trusting
from server import Server

FORM = "application/x-www-form-urlencoded; charset=utf-8"
QUERY = b"Action=GetCallerIdentity&Version=2011-06-15"


@pytest.mark.parametrize("access_key, account", [("test", "000000000000"), ("121212121212", "121212121212")])
def test_the_root_user_is_named(client_for, access_key, account):
    answer = client_for(account=access_key, service="sts").get_caller_identity()
    assert (answer["Account"], answer["Arn"], answer["UserId"]) == (account, f"arn:aws:iam::{account}:root", account)


def form(server, body, **how):
    headers = wire.sign(server.url, "x", body, service="sts", content_type=FORM, leave_out=("x-amz-target",), **how)
    del headers["X-Amz-Target"]
    return wire.send(server.url, headers, body)


def test_the_answer_is_the_xml_of_the_query_protocol(server):
    reply = form(server, QUERY)
    assert (reply.status, reply.headers["content-type"]) == (200, "text/xml")
    text = reply.body.decode()
    assert 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"' in text
    order = [
        text.index(tag) for tag in ("<GetCallerIdentityResult>", "<Arn>", "<UserId>", "<Account>", "<ResponseMetadata>")
    ]
    assert order == sorted(order)
    assert reply.headers["x-amzn-requestid"] in text


@pytest.mark.parametrize(
    "body, how, status, code",
    [
        (QUERY, {"secret": "tost"}, 403, "SignatureDoesNotMatch"),
        (QUERY, {"access_key": "AKIDUNKNOWNUNKNOWN00"}, 403, "InvalidClientTokenId"),
        (b"Action=NoSuchThing&Version=2011-06-15", {}, 400, "InvalidAction"),
    ],
)
def test_refusals_are_in_the_same_protocol(server, body, how, status, code):
    reply = form(server, body, **how)
    assert reply.status == status and f"<Code>{code}</Code>" in reply.body.decode()


def test_no_signature_at_all(server):
    reply = wire.send(server.url, {"Content-Type": FORM}, QUERY)
    assert reply.status == 403 and "<Code>MissingAuthenticationToken</Code>" in reply.body.decode()


def assumes(who, role, **how):
    return who.sts.assume_role(RoleArn=role, RoleSessionName="session", **how)


def not_authorized(who, action, resource):
    text = f"User: {who.arn} is not authorized to perform: {action} on resource: {resource}"
    return refused("AccessDenied", text, status=403)


@pytest.fixture
def opener(account):
    """A user who may assume every role whose trust policy allows its account."""
    return account.user("Opener", allow("sts:*"))


def test_a_role_is_assumed(account, opener):
    role = account.role("Worker", allow("kms:ListKeys"), Path="/path/")
    answer = assumes(opener, role)
    given = answer["Credentials"]
    assert re.fullmatch("ASIA[A-Z2-7]{16}", given["AccessKeyId"]) and len(given["SecretAccessKey"]) == 40
    seconds = (given["Expiration"] - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
    assert 3500 < seconds <= 3600
    user = answer["AssumedRoleUser"]
    assert user["Arn"] == f"arn:aws:sts::{account.number}:assumed-role/Worker/session"
    role_id = account.iam.get_role(RoleName="Worker")["Role"]["RoleId"]
    assert user["AssumedRoleId"] == f"{role_id}:session"
    session = in_session(opener.url, answer)
    who = session.sts.get_caller_identity()
    assert (who["Arn"], who["UserId"], who["Account"]) == (user["Arn"], f"{role_id}:session", account.number)
    assert session.kms.list_keys()["Keys"] == []
    assert opener.sts.get_access_key_info(AccessKeyId=opener.access_key)["Account"] == account.number


def test_the_token_belongs_to_its_access_key(account, opener):
    role = account.role("Worker", allow("kms:*"))
    one, two = opener.assume(role), opener.assume(role)
    invalid = "The security token included in the request is invalid."
    for access_key, secret, token, code, text in [
        (one.access_key, one.secret, two.token, "UnrecognizedClientException", invalid),
        (one.access_key, one.secret, None, "UnrecognizedClientException", invalid),
        (one.access_key, one.secret, one.token[:-2], "UnrecognizedClientException", invalid),
        (one.access_key, two.secret, one.token, "InvalidSignatureException", ANY_TEXT),
        (opener.access_key, opener.secret, one.token, "UnrecognizedClientException", invalid),
    ]:
        with refused(code, text):
            Principal(one.url, "", "", access_key, secret, token).kms.list_keys()
    one.kms.list_keys()


def test_root_users_assume_no_role(account):
    role = account.role("Worker")
    with refused("AccessDenied", "Roles may not be assumed by root accounts.", status=403):
        assumes(account, role)


def test_trust_and_the_callers_policies_decide(account, other, opener):
    alice, stranger = account.user("Alice"), other.user("Bob", allow("sts:*"))
    by_account, by_user = account.role("Open"), account.role("Named", trust=trusting(alice.arn))
    with refused("AccessDenied", status=403):
        assumes(alice, by_account)
    assumes(alice, by_user)
    with not_authorized(opener, "sts:AssumeRole", by_user):
        assumes(opener, by_user)
    missing = f"{by_user}Missing"
    for role in (by_account, missing):
        with not_authorized(stranger, "sts:AssumeRole", role):
            assumes(stranger, role)
    account.iam.update_assume_role_policy(RoleName="Open", PolicyDocument=trusting(other.arn))
    assumes(stranger, by_account)
    carol = other.user("Carol")
    with refused("AccessDenied", status=403):
        assumes(carol, by_account)


def test_an_external_id_is_asked_for_by_the_trust_policy(account, other):
    bob = other.user("Bob", allow("sts:AssumeRole"))
    condition = {"StringEquals": {"sts:ExternalId": "contract-7"}}
    role = account.role("Vendor", trust=trusting(other.arn, Condition=condition))
    assumes(bob, role, ExternalId="contract-7")
    for how in ({}, {"ExternalId": "contract-8"}):
        with not_authorized(bob, "sts:AssumeRole", role):
            assumes(bob, role, **how)


def test_how_long_sessions_last(account, opener):
    role = account.role("Worker", allow("sts:AssumeRole"), MaxSessionDuration=7200)
    assumes(opener, role, DurationSeconds=900)
    assumes(opener, role, DurationSeconds=7200)
    text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    with refused("ValidationError", text):
        assumes(opener, role, DurationSeconds=7201)
    for seconds in (899, 43_201):
        with refused("ValidationError"):
            assumes(opener, role, DurationSeconds=seconds)
    text = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    with refused("ValidationError", text):
        assumes(opener.assume(role), role, DurationSeconds=7200)
    assumes(opener.assume(role), role, DurationSeconds=3600)


def test_a_session_ends(clock_server):
    account = Account(clock_server.url)
    session = account.session(account.role("Worker", allow("kms:ListKeys")), DurationSeconds=900)
    session.kms.list_keys()
    clock_server.shift("+890s")
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_: later(890)):
        session.kms.list_keys()
    clock_server.shift("+901s")
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_: later(901)):
        text = "The security token included in the request is expired"
        with refused("ExpiredTokenException", text):
            session.kms.list_keys()
        with refused("ExpiredToken", text, status=403):
            session.sts.get_caller_identity()


def later(seconds):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return moment.replace(tzinfo=None)


def tag(**wanted):
    return [{"Key": key, "Value": value} for key, value in wanted.items()]


def test_tags_of_a_session_need_permission_and_decide(account, opener):
    by_team = allow("kms:ListKeys", Condition={"StringEquals": {"aws:PrincipalTag/team": "red"}})
    closed = account.role("Closed", by_team)
    account.iam.tag_role(RoleName="Closed", Tags=tag(team="red"))
    opener.assume(closed).kms.list_keys()
    with refused("AccessDenied", status=403):
        opener.assume(closed, Tags=tag(team="red"))
    both = ["sts:AssumeRole", "sts:TagSession"]
    role = account.role("Worker", by_team, trust=trusting(account.arn, action=both))
    opener.assume(role, Tags=tag(team="red")).kms.list_keys()
    blue = opener.assume(role, Tags=tag(team="blue"))
    with refused("AccessDeniedException"):
        blue.kms.list_keys()
    with refused("ValidationError"):
        opener.assume(role, Tags=tag(a="1", A="2"))
    with refused("ValidationError"):
        opener.assume(role, Tags=tag(a="1"), TransitiveTagKeys=["b"])


def test_a_chain_hands_on_transitive_tags_and_the_source_identity(account, opener):
    actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    trust = trusting(account.arn, action=actions)
    first = account.role("First", allow("sts:*"), trust=trust)
    condition = {"StringEquals": {"aws:PrincipalTag/team": "red", "aws:SourceIdentity": "alice"}}
    second = account.role("Second", allow("kms:ListKeys", Condition=condition), trust=trust)
    one = opener.assume(first, Tags=tag(team="red", job="7"), TransitiveTagKeys=["team"], SourceIdentity="alice")
    answer = assumes(one, second)
    assert answer["SourceIdentity"] == "alice"
    in_session(opener.url, answer).kms.list_keys()
    with refused("ValidationError"):
        assumes(one, second, Tags=tag(team="blue"))
    with refused("AccessDenied", status=403):
        assumes(one, second, SourceIdentity="bob")
    plain = in_session(opener.url, assumes(opener.assume(first), second))
    with refused("AccessDeniedException"):
        plain.kms.list_keys()


def test_session_policies_are_checked(account, opener):
    role = account.role("Worker", allow("kms:*"))
    packed = assumes(opener, role, Policy=document(allow("kms:ListKeys")))
    assert 0 < packed["PackedPolicySize"] <= 100
    with refused("MalformedPolicyDocument"):
        assumes(opener, role, Policy="{}")
    with refused("ValidationError"):
        assumes(opener, role, PolicyArns=[{"arn": f"arn:aws:iam::{account.number}:policy/Missing"}])
    with refused("ValidationError"):
        assumes(opener, role, Policy=document(allow("kms:" + "x" * 2048)))
    arn = account.policy("Narrow", allow("kms:ListKeys"))
    session = opener.assume(role, PolicyArns=[{"arn": arn}])
    session.kms.list_keys()
    with refused("AccessDeniedException"):
        session.kms.create_key()


def test_temporary_credentials_of_a_user(account):
    alice = account.user("Alice", allow("kms:ListKeys", "iam:GetUser"))
    given = alice.sts.get_session_token(DurationSeconds=900)["Credentials"]
    session = Principal(
        account.url, alice.arn, alice.id, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
    )
    who = session.sts.get_caller_identity()
    assert (who["Arn"], who["UserId"]) == (alice.arn, alice.id)
    session.kms.list_keys()
    with refused("AccessDenied", "Cannot call GetSessionToken with session credentials", status=403):
        session.sts.get_session_token()
    with denied(session, "kms:CreateKey", "*", Reason.IDENTITY):
        session.kms.create_key()
    account.iam.delete_user_policy(UserName="Alice", PolicyName="own")
    with denied(session, "kms:ListKeys", "*", Reason.IDENTITY):
        session.kms.list_keys()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    running = Issuer(tmp_path_factory.mktemp("issuer"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def trusting_server(tmp_path_factory, issuer):
    """A server that believes the issuer's authority."""
    running = Server(tmp_path_factory.mktemp("oidc"), ["--oidc-ca", str(issuer.authority)]).start()
    yield running
    running.stop()


@pytest.fixture
def cluster(trusting_server, issuer):
    """An account whose role `pod` is for the service account `app` of the namespace `ns`."""
    account = Account(trusting_server.url)
    account.iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=["sts.amazonaws.com"])
    account.provider = f"arn:aws:iam::{account.number}:oidc-provider/{issuer.host}"
    subject = {f"{issuer.host}:sub": "system:serviceaccount:ns:app", f"{issuer.host}:aud": "sts.amazonaws.com"}
    account.pod = account.role(
        "pod",
        allow("kms:*"),
        trust=trusting(
            account.provider,
            kind="Federated",
            action="sts:AssumeRoleWithWebIdentity",
            Condition={"StringEquals": subject},
        ),
    )
    return account


def exchange(account, token, role=None, **how):
    """Unsigned: whoever has a token has no other credentials."""
    config = botocore.config.Config(signature_version=botocore.UNSIGNED, retries={"total_max_attempts": 1})
    sts = boto3.client("sts", endpoint_url=account.url, config=config)
    return sts.assume_role_with_web_identity(
        RoleArn=role or account.pod, RoleSessionName="pod-1", WebIdentityToken=token, **how
    )


def test_a_pod_exchanges_its_token_for_a_session(cluster, issuer):
    answer = exchange(cluster, issuer.service_account(), DurationSeconds=900)
    assert answer["SubjectFromWebIdentityToken"] == "system:serviceaccount:ns:app"
    assert (answer["Provider"], answer["Audience"]) == (cluster.provider, "sts.amazonaws.com")
    pod = in_session(cluster.url, answer)
    assert pod.arn == f"arn:aws:sts::{cluster.number}:assumed-role/pod/pod-1"
    key = pod.kms.create_key()["KeyMetadata"]["KeyId"]
    assert pod.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    asked = len(issuer.asked)
    exchange(cluster, issuer.service_account())
    assert len(issuer.asked) == asked, "keys are kept"


def test_an_sdk_in_a_pod_needs_a_file_and_two_variables(cluster, issuer, tmp_path):
    """What the webhook of EKS puts into a pod, read by the default chain of credentials."""
    file = tmp_path / "token"
    file.write_text(issuer.service_account())
    script = "import boto3; print(boto3.client('kms').list_keys()['ResponseMetadata']['HTTPStatusCode'])"
    plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {
        **plain,
        "AWS_ENDPOINT_URL": cluster.url,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ROLE_ARN": cluster.pod,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(file),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "200", done


def test_bad_tokens_are_refused(cluster, issuer):
    good = issuer.service_account()
    now = int(time.time())
    head, claims, signature = good.split(".")
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    other_claims = base64url(json.dumps({"iss": issuer.url, "sub": "admin", "aud": "sts.amazonaws.com"}).encode())
    none = base64url(json.dumps({"alg": "none"}).encode())
    named = {"iss": issuer.url, "sub": "system:serviceaccount:ns:app", "aud": "sts.amazonaws.com", "exp": now + 60}
    for what, token, code, status in [
        ("no token", "abcdefgh", "InvalidIdentityToken", 400),
        ("other claims under the same signature", f"{head}.{other_claims}.{signature}", "InvalidIdentityToken", 400),
        ("no signature", f"{none}.{claims}.", "InvalidIdentityToken", 400),
        ("another key under the same id", issuer.token(named, key=stranger), "InvalidIdentityToken", 400),
        ("an unknown key", issuer.token(named, kid="k2"), "InvalidIdentityToken", 400),
        ("expired", issuer.service_account(exp=now - 301), "ExpiredTokenException", 400),
        ("not yet valid", issuer.service_account(nbf=now + 600), "IDPRejectedClaim", 403),
        ("for somebody else", issuer.service_account(aud=["other"]), "InvalidIdentityToken", 400),
        ("without audience", issuer.service_account(aud=None), "InvalidIdentityToken", 400),
        ("without expiry", issuer.service_account(exp=None), "InvalidIdentityToken", 400),
        ("of an unknown issuer", issuer.service_account(iss="https://other.example"), "InvalidIdentityToken", 400),
        ("of a service account that is not trusted", issuer.service_account(name="other"), "AccessDenied", 403),
    ]:
        with refused(code, status=status):
            exchange(cluster, token)
            pytest.fail(what)
    with refused("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", status=403):
        exchange(cluster, issuer.service_account(namespace="other"))
    with refused("AccessDenied", status=403):
        exchange(cluster, good, role=cluster.role("Closed"))
    exchange(cluster, good)


def test_an_issuer_whose_authority_is_unknown_is_not_asked(server, issuer):
    account = Account(server.url)
    account.iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=["sts.amazonaws.com"])
    provider = f"arn:aws:iam::{account.number}:oidc-provider/{issuer.host}"
    trust = trusting(provider, kind="Federated", action="sts:AssumeRoleWithWebIdentity")
    account.pod = account.role("pod", trust=trust)
    with refused("IDPCommunicationError"):
        exchange(account, issuer.service_account())
