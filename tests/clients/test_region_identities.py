"""Two Regions as processes: users, access keys and live sessions of the home work in the other, also while it is away."""

import json
import signal

import pytest
from botocore.exceptions import ClientError
from regions import Failed, Region, agree, becomes, client, keyreeve, may

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


@pytest.fixture
def three(tmp_path):
    """Three Regions; the identities are kept in Frankfurt, and two operators' keys are known everywhere."""
    names = {"frankfurt": "eu-central-1", "ireland": "eu-west-1", "stockholm": "eu-north-1"}
    regions = [Region(tmp_path / place, name).start() for place, name in names.items()]
    for operator in ("alice", "bob"):
        made = json.loads(keyreeve("region", "operator-key", "new", "--out", f"{operator}.key", "--json", cwd=tmp_path)[0])
        (tmp_path / f"{operator}.pub").write_text(made["PublicKey"])
        for region in regions:
            region.region("operator-key", "add", tmp_path / f"{operator}.pub", "--name", operator)
    for region in regions:
        for other in regions:
            if other is not region:
                home = region is not regions[0] and other is regions[0]
                region.trust(other.introduction(), *(["--home"] if home else []))
    yield tmp_path, *regions
    for region in regions:
        region.stop()


def signed(folder, request):
    """A request with both operators' signatures, as arguments."""
    (folder / "request.json").write_text(request)
    arguments = ["--request", folder / "request.json"]
    for name in ("alice", "bob"):
        signature, told = keyreeve("region", "sign", "request.json", "--with", f"{name}.key", cwd=folder)
        assert "becomes the home of the identities" in told
        (folder / f"{name}.sig").write_text(signature)
        arguments += ["--signature", folder / f"{name}.sig"]
    return arguments


def test_a_lost_home_is_replaced_and_gives_way_when_it_returns(three):
    folder, frankfurt, ireland, stockholm = three
    root = json.loads(frankfurt.run("account", "create", "acme", "--json"))
    for region in (ireland, stockholm):
        becomes(region, root, "yes")
        # Trusted again, it stays the home; and nobody does without one.
        assert region.trust(frankfurt.introduction())["Home"]
        with pytest.raises(Failed, match="home-request --lost eu-central-1"):
            region.region("untrust", "eu-central-1")
        with pytest.raises(ClientError, match="kept in the Region eu-central-1"):
            client(region, "iam", root).create_user(UserName="early")
    agree(lambda: "IdentitiesAgreed" in ireland.region("status"), True)
    # What nobody copies.
    ireland.stop()
    stockholm.stop()
    client(frankfurt, "iam", root).create_user(UserName="eve")
    frankfurt.stop(signal.SIGKILL)
    ireland.start()
    stockholm.start()
    told = lambda region: region.run("region", "status")
    agree(lambda: "They do not agree since" in told(ireland) and "home-request" in told(ireland), True)
    request = ireland.run("region", "home-request", "--lost", "eu-central-1")
    with pytest.raises(Failed, match="one to take the home of the identities"):
        ireland.region("force-promote", *signed(folder, request))
    taken = ireland.region("take-home", *signed(folder, request))
    assert (taken["LostRegion"], taken["Term"]) == ("eu-central-1", 2), taken
    assert [signer["Name"] for signer in taken["ConfirmedBy"]] == ["alice", "bob"]
    assert "TakeHome" in ireland.run("audit", "show", "--where", "EventName=TakeHome")
    client(ireland, "iam", root).create_user(UserName="bea")
    users = lambda region: [user["UserName"] for user in client(region, "iam", root).list_users()["Users"]]
    agree(lambda: users(stockholm), ["bea"])
    frankfurt.start()
    agree(lambda: users(frankfurt), ["bea"])
    for region in (frankfurt, stockholm):
        with pytest.raises(ClientError, match="kept in the Region eu-west-1"):
            client(region, "iam", root).create_user(UserName="late")
    assert "user/eve" in frankfurt.log() and "user/eve" in told(frankfurt)
    assert "IdentitiesHomeMoved" in frankfurt.run("audit", "show", "--where", "EventName=IdentitiesHomeMoved")
    frankfurt.restart()
    agree(lambda: "user/eve" in told(frankfurt), True)
    assert "do not agree" not in told(ireland), told(ireland)


def test_a_copy_that_is_older_than_allowed_authenticates_nobody_until_the_home_is_back(tmp_path):
    frankfurt = Region(tmp_path / "frankfurt", "eu-central-1").start()
    ireland = Region(tmp_path / "ireland", "eu-west-1")
    with (ireland.folder / "keyreeve.toml").open("a") as configuration:
        configuration.write("identities_max_age_seconds = 3\n")
    ireland.start()
    try:
        frankfurt.trust(ireland.introduction())
        ireland.trust(frankfurt.introduction(), "--home")
        root = json.loads(frankfurt.run("account", "create", "acme", "--json"))
        becomes(ireland, root, "yes")
        frankfurt.stop(signal.SIGKILL)
        becomes(ireland, root, "DependencyTimeoutException")
        ireland.restart()
        becomes(ireland, root, "DependencyTimeoutException")
        with pytest.raises(ClientError, match="ServiceUnavailable"):
            client(ireland, "sts", root).get_caller_identity()
        assert "more than identities_max_age_seconds (3)" in ireland.run("region", "status")
        frankfurt.start()
        becomes(ireland, root, "yes")
    finally:
        frankfurt.stop()
        ireland.stop()
