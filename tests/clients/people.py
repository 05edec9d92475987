"""Accounts and the principals in them: made through IAM and STS, each acting through boto3 clients of its own."""

import functools
import itertools
import json

from connect import make_client

_numbers = itertools.count(1)


def statement(effect, *actions, **elements):
    """A statement about everything, unless `Resource=` says about what."""
    return {"Effect": effect, "Action": list(actions), "Resource": "*", **elements}


def allow(*actions, **elements):
    return statement("Allow", *actions, **elements)


def deny(*actions, **elements):
    return statement("Deny", *actions, **elements)


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trusting(*principals, action="sts:AssumeRole", kind="AWS", **elements):
    """A trust policy."""
    principal = {kind: list(principals)}
    return document({"Effect": "Allow", "Principal": principal, "Action": action, **elements})


class Principal:
    """Somebody with credentials."""

    def __init__(self, url, arn, unique_id, access_key, secret="test", token=None):
        self.url, self.arn, self.id = url, arn, unique_id
        self.access_key, self.secret, self.token = access_key, secret, token

    def client(self, service, region="us-east-1"):
        return make_client(self.url, region, self.access_key, service, self.secret, self.token)

    @functools.cached_property
    def kms(self):
        return self.client("kms")

    @functools.cached_property
    def iam(self):
        return self.client("iam")

    @functools.cached_property
    def sts(self):
        return self.client("sts")

    def assume(self, role, session="session", **how):
        """The session of a role that this principal assumes."""
        answer = self.sts.assume_role(RoleArn=role, RoleSessionName=session, **how)
        return in_session(self.url, answer)


def in_session(url, answer):
    """Whom an answer of STS with credentials of a role lets act."""
    user, given = answer["AssumedRoleUser"], answer["Credentials"]
    return Principal(
        url,
        user["Arn"],
        user["AssumedRoleId"],
        given["AccessKeyId"],
        given["SecretAccessKey"],
        given["SessionToken"],
    )


class Account(Principal):
    """A new account of `dev`, acting as its root user."""

    def __init__(self, url):
        self.number = f"8{next(_numbers):011}"
        super().__init__(url, f"arn:aws:iam::{self.number}:root", self.number, self.number)

    def user(self, name="Alice", *statements, **create):
        """A new user with an access key, and the statements as its inline policy."""
        made = self.iam.create_user(UserName=name, **create)["User"]
        if statements:
            self.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return Principal(self.url, made["Arn"], made["UserId"], key["AccessKeyId"], key["SecretAccessKey"])

    def role(self, name="Worker", *statements, trust=None, **create):
        """The ARN of a new role that everybody of the account may assume whose own policies allow it."""
        trust = trust or trusting(self.arn)
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **create)["Role"]
        if statements:
            self.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
        return made["Arn"]

    def policy(self, name, *statements):
        """The ARN of a new managed policy."""
        made = self.iam.create_policy(PolicyName=name, PolicyDocument=document(*statements))
        return made["Policy"]["Arn"]

    @functools.cached_property
    def _opener(self):
        return self.user("Opener", allow("sts:*"))

    def session(self, role, session="session", **how):
        """A session of a role of this account."""
        return self._opener.assume(role, session, **how)

    def key(self, *statements, **create):
        """The ARN of a new key. With statements: only they allow its use; the account keeps its policy."""
        if statements:
            own = allow("kms:PutKeyPolicy", "kms:GetKeyPolicy", Principal={"AWS": self.arn})
            create["Policy"] = document(own, *statements)
        return self.kms.create_key(**create)["KeyMetadata"]["Arn"]
