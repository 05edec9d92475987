"""Two Regions as processes: users, access keys and live sessions of the home work in the other, also while it is away."""

import json
import signal

import pytest
from botocore.exceptions import ClientError
from regions import Failed, Region, becomes, client, may

ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Frankfurt, where the identities are kept, and Ireland, with an account that was made in Frankfurt."""
    folder = tmp_path_factory.mktemp("regions")
    frankfurt = Region(folder / "frankfurt", "eu-central-1").start()
    ireland = Region(folder / "ireland", "eu-west-1").start()
    frankfurt.trust(ireland.introduction())
    ireland.trust(frankfurt.introduction(), "--home")
    root = json.loads(frankfurt.run("account", "create", "acme", "--json"))
    yield frankfurt, ireland, root
    for region in (frankfurt, ireland):
        region.stop()


@pytest.fixture
def ada(pair):
    """A user who may do everything, with an access key."""
    frankfurt, _, root = pair
    iam = client(frankfurt, "iam", root)
    iam.create_user(UserName="ada")
    iam.put_user_policy(UserName="ada", PolicyName="all", PolicyDocument=ALL)
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    yield key
    iam = client(frankfurt, "iam", root)
    for made in iam.list_access_keys(UserName="ada")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="ada", AccessKeyId=made["AccessKeyId"])
    iam.delete_user_policy(UserName="ada", PolicyName="all")
    iam.delete_user(UserName="ada")


def test_an_access_key_and_a_live_session_work_elsewhere_while_the_home_is_stopped(pair, ada):
    frankfurt, ireland, root = pair
    iam = client(frankfurt, "iam", root)
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": root["AccountId"]}, "Action": "sts:AssumeRole"}],
    }
    role = iam.create_role(RoleName="ops", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="ops", PolicyName="all", PolicyDocument=ALL)
    session = client(frankfurt, "sts", ada).assume_role(RoleArn=role, RoleSessionName="sess")["Credentials"]
    becomes(ireland, ada, "yes")
    becomes(ireland, session, "yes")
    frankfurt.stop(signal.SIGKILL)
    assert may(ireland, ada) == "yes" and may(ireland, session) == "yes"
    there = client(ireland, "sts", ada).assume_role(RoleArn=role, RoleSessionName="there")["Credentials"]
    ireland.restart()
    assert may(ireland, ada) == "yes" and may(ireland, session) == "yes"
    assert client(ireland, "sts", session).get_caller_identity()["Arn"].endswith(":assumed-role/ops/sess")
    frankfurt.start()
    assert may(frankfurt, there) == "yes"


def test_a_deactivated_key_signs_elsewhere_only_until_the_copy_is_up_to_date(pair, ada):
    frankfurt, ireland, root = pair
    iam = client(frankfurt, "iam", root)
    becomes(ireland, ada, "yes")
    iam.update_access_key(UserName="ada", AccessKeyId=ada["AccessKeyId"], Status="Inactive")
    becomes(ireland, ada, may(frankfurt, ada))
    assert may(frankfurt, ada) != "yes"
    assert "IdentitiesAgreed" in ireland.region("status") and "IdentitiesAgreed" not in frankfurt.region("status")


def test_a_change_elsewhere_is_refused_and_names_the_home(pair, ada):
    _, ireland, root = pair
    becomes(ireland, root, "yes")
    iam = client(ireland, "iam", root)
    with pytest.raises(ClientError, match="kept in the Region eu-central-1"):
        iam.create_user(UserName="bea")
    with pytest.raises(Failed, match="kept in the Region eu-central-1"):
        ireland.run("account", "create", "other", "--json")
    assert iam.get_user(UserName="ada")["User"]["UserName"] == "ada"


def test_a_region_with_accounts_does_not_take_over_those_of_another(tmp_path):
    first = Region(tmp_path / "first", "eu-central-1").start()
    second = Region(tmp_path / "second", "eu-west-1").start()
    try:
        second.run("account", "create", "own", "--json")
        with pytest.raises(Failed, match="identities of its own"):
            second.trust(first.introduction(), "--home")
        second.trust(first.introduction())
    finally:
        first.stop()
        second.stop()
