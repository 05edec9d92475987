"""sts:GetCallerIdentity (query protocol): the first call of many tools."""

import pytest

import wire

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
