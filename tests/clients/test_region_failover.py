"""A Region is lost and returns: docs/regions.md as it is written, with three processes and a key of every spec."""

import contextlib
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import aws_encryption_sdk
import botocore.session
import pytest
from aws_encryption_sdk.key_providers.kms import (
    DiscoveryFilter,
    MRKAwareDiscoveryAwsKmsMasterKeyProvider,
    MRKAwareStrictAwsKmsMasterKeyProvider,
)
from keepsakes import KINDS, MESSAGE, holds, keep
from pages import blocks, pasted
from regions import Region, agree, becomes, client, fingerprint, keyreeve, may

PAGE = "docs/regions.md"
NODE = pathlib.Path(__file__).parent / "node"
ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
# What goes from place to place by hand; private keys stay where they are.
PUBLIC = (".json", ".pub", ".sig")
HOME, OTHER, THIRD = "eu-central-1", "eu-west-1", "eu-north-1"


class Installation:
    """Three Regions, the folder of the operators and that of a client."""

    def __init__(self, folder):
        names = {"frankfurt": HOME, "ireland": OTHER, "stockholm": THIRD}
        with ThreadPoolExecutor() as together:
            made = list(together.map(lambda place: Region(folder / place, names[place]).start(), names))
        self.regions = {region.name: region for region in made}
        self._clients = {}
        self.frankfurt, self.ireland, self.stockholm = self.regions.values()
        self.places = {place: folder / place for place in ("frankfurt", "ireland", "operators", "client")}
        for place in ("operators", "client"):
            self.places[place].mkdir()
        self.root = None  # Until there is an account.

    def run(self, script, settings=()):
        """Runs a block of the page at the place that its first line names; what it printed."""
        heading, _, code = script.partition("\n")
        place = heading.removeprefix("# ").split()[0]
        said = []
        for name in ("frankfurt", "ireland") if place == "each" else (place,):
            done = pasted(self.here(code), self.places[name], settings)
            assert done.returncode == 0, (script, done)
            said.append(done.stdout)
            self.carry(self.places[name])
        return "".join(said)

    def here(self, code):
        """What differs from the page: addresses, the account, and that nobody is on the phone."""
        code = code.replace("https://ireland.example", self.ireland.url)
        if self.root:
            code = code.replace("111122223333", self.root["AccountId"])

        def told(found):
            place = {"frankfurt": self.frankfurt, "ireland": self.ireland}[found[1]]
            return f"{found[0]} --fingerprint {fingerprint(place.introduction())}"

        return re.sub(r"region trust (\w+)\.json", told, code)

    def carry(self, source):
        for file in source.iterdir():
            if file.suffix in PUBLIC:
                for folder in self.places.values():
                    if folder != source:
                        shutil.copy(file, folder)

    def kms(self):
        """A client of each Region, by its name; made anew where a restart changed the address."""
        for region in self.regions.values():
            if region.url not in self._clients:
                self._clients[region.url] = client(region, "kms", self.root)
        return {name: self._clients[region.url] for name, region in self.regions.items()}

    def replicated(self, **parameters):
        """A key in Frankfurt with replicas that are on the way: its id."""
        here = self.kms()[HOME]
        key = here.create_key(MultiRegion=True, **parameters)["KeyMetadata"]["KeyId"]
        for name in (OTHER, THIRD):
            here.replicate_key(KeyId=key, ReplicaRegion=name)
        return key

    def everywhere(self, key):
        """Waits until the key is ready in all three Regions."""
        for kms in self.kms().values():
            agree(lambda: kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"], "Enabled")

    def standing(self, key, names=(HOME, OTHER, THIRD)):
        """Who these Regions believe is the key's primary, and who says that he is."""
        clients = self.kms()
        told = {name: clients[name].describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"] for name in names}
        believed = {about["PrimaryKey"]["Region"] for about in told.values()}
        return believed, [name for name, about in told.items() if about["MultiRegionKeyType"] == "PRIMARY"]


def settings(region, credentials):
    """What a shell in which somebody worked with a Region has in its environment."""
    given = {f"AWS_ENDPOINT_URL_{service}": region.url for service in ("KMS", "STS")}
    given |= {"AWS_REGION": region.name, "AWS_DEFAULT_REGION": region.name}
    given |= {"AWS_ACCESS_KEY_ID": credentials["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"]}
    token = credentials.get("SessionToken")
    return given | ({"AWS_SESSION_TOKEN": token} if token else {})


@contextlib.contextmanager
def set_up(folder):
    """As "Setting up" says, and a third Region."""
    made = Installation(folder)
    try:
        starts, *commands, first_key = blocks(PAGE, "## Setting up")
        # What the class Region does.
        assert starts.splitlines()[-2:] == [f"keyreeve {verb} --config keyreeve.toml" for verb in ("init", "serve")]
        for script in commands:
            made.run(script)
        made.frankfurt.reaches(OTHER)
        made.ireland.reaches(HOME)
        for region in (made.frankfurt, made.ireland):
            assert len(region.region("operator-key", "list")["OperatorKeys"]) == 2
            region.trust(made.stockholm.introduction())
        for name in ("alice", "bob"):
            public = made.places["operators"] / f"{name}.pub"
            made.stockholm.region("operator-key", "add", public, "--name", name)
        made.stockholm.trust(made.frankfurt.introduction(), "--home")
        made.stockholm.trust(made.ireland.introduction())
        made.root = json.loads(made.frankfurt.run("account", "create", "acme", "--json"))
        made.run(first_key, settings(made.frankfurt, made.root))
        for region in made.regions.values():
            becomes(region, made.root, "yes")
        yield made
    finally:
        for region in made.regions.values():
            region.stop()


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    with set_up(tmp_path_factory.mktemp("lost")) as made:
        yield made


@pytest.fixture(scope="module")
def people(installation):
    """A user's access key, and a session of a role that began in Frankfurt."""
    iam = client(installation.frankfurt, "iam", installation.root)
    iam.create_user(UserName="ada")
    iam.put_user_policy(UserName="ada", PolicyName="all", PolicyDocument=ALL)
    ada = iam.create_access_key(UserName="ada")["AccessKey"]
    statement = {"Effect": "Allow", "Principal": {"AWS": installation.root["AccountId"]}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = iam.create_role(RoleName="ops", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName="ops", PolicyName="all", PolicyDocument=ALL)
    session = client(installation.frankfurt, "sts", ada).assume_role(RoleArn=role, RoleSessionName="live")["Credentials"]
    for region, credentials in itertools.product(installation.regions.values(), (installation.root, ada, session)):
        becomes(region, credentials, "yes")
    return {"user/ada": ada, "assumed-role/ops/live": session}


@pytest.fixture(scope="module")
def keys(installation, people):
    """A key of every kind in all three Regions: by its id, what each Region made with it."""
    made = [installation.replicated(KeySpec=spec, KeyUsage=usage) for spec, usage in KINDS]
    for key in made:
        installation.everywhere(key)
    return {key: [keep(kms, key) for kms in installation.kms().values()] for key in made}


def all_hold(installation, keys, names=(HOME, OTHER, THIRD)):
    """Everything that was ever made works in each of these Regions."""
    clients = installation.kms()
    for name, (key, things) in itertools.product(names, keys.items()):
        for kept in things:
            assert holds(clients[name], key, kept), (name, key, kept)


def rotate(installation, key, primary, keys):
    """Rotates on demand; adds what each Region made before and after, and waits until all use the new material."""
    clients = installation.kms()
    current = lambda kms: kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    before = current(clients[primary])
    keys.setdefault(key, []).extend(keep(kms, key) for kms in clients.values())
    clients[primary].rotate_key_on_demand(KeyId=key)
    agree(lambda: before in {current(kms) for kms in clients.values()}, False)
    assert len({current(kms) for kms in clients.values()}) == 1
    keys[key].extend(keep(kms, key) for kms in clients.values())


def test_a_key_of_every_kind_works_across_regions(installation, keys):
    assert len(keys) == len(KINDS)
    all_hold(installation, keys)


def test_what_was_made_before_and_after_a_rotation_opens_everywhere(installation, people):
    key, kept = installation.replicated(), {}
    installation.everywhere(key)
    for _ in range(3):
        rotate(installation, key, HOME, kept)
    assert len(kept[key]) == 18
    all_hold(installation, kept)


def test_the_javascript_sdk_opens_in_each_region_what_another_sealed(installation, people):
    key = installation.replicated()
    installation.everywhere(key)
    given = settings(installation.frankfurt, people["user/ada"])
    given = {name: value for name, value in given.items() if not name.startswith("AWS_ENDPOINT")}
    given |= {"KEY_ID": key, "ACCOUNT": installation.root["AccountId"]}
    given["REGIONS"] = json.dumps({region.name: region.url for region in installation.regions.values()})
    done = subprocess.run(
        ["node", "multi_region.mjs"], cwd=NODE, env={**os.environ, **given}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "passed\n"), done


def session_of(credentials):
    """The SDK's own session with somebody's credentials."""
    session = botocore.session.Session()
    session.set_credentials(
        credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials.get("SessionToken")
    )
    return session


def sealed_by_sdk(installation, monkeypatch, credentials, key):
    """A message of the Encryption SDK that Frankfurt's key wrapped."""
    arn = f"arn:aws:kms:{HOME}:{installation.root['AccountId']}:key/{key}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", installation.frankfurt.url)
    provider = MRKAwareStrictAwsKmsMasterKeyProvider(key_ids=[arn], botocore_session=session_of(credentials))
    return aws_encryption_sdk.EncryptionSDKClient().encrypt(source=MESSAGE, key_provider=provider)[0]


def opened_in_ireland(installation, monkeypatch, credentials, key, sealed):
    """What the providers that know multi-Region keys make of it, asking Ireland."""
    account, session = installation.root["AccountId"], session_of(credentials)
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", installation.ireland.url)
    providers = [
        MRKAwareStrictAwsKmsMasterKeyProvider(
            key_ids=[f"arn:aws:kms:{OTHER}:{account}:key/{key}"], botocore_session=session
        ),
        MRKAwareDiscoveryAwsKmsMasterKeyProvider(
            botocore_session=session,
            discovery_region=OTHER,
            discovery_filter=DiscoveryFilter(account_ids=(account,), partition="aws"),
        ),
    ]
    sdk = aws_encryption_sdk.EncryptionSDKClient()
    return {sdk.decrypt(source=sealed, key_provider=provider)[0] for provider in providers}


def clients_go_on(installation, people, key, monkeypatch, sealed):
    """The section "Clients", by everybody; what was made in Ireland meanwhile is kept."""
    moved, used = blocks(PAGE, "### Clients")
    (python,) = blocks(PAGE, "### Clients", ("python",))
    kept = []
    for name, credentials in people.items():
        before = settings(installation.frankfurt, credentials) | {"key": key}
        said = installation.run(moved + used, before)
        arn = f"arn:aws:sts::{installation.root['AccountId']}:{name}"
        assert said.splitlines() == [arn.replace("sts", "iam") if "user" in name else arn, MESSAGE.decode()]
        blob = (installation.places["client"] / "new.enc").read_bytes()
        kept.append(("ENCRYPT_DECRYPT", {"KeyId": key, "CiphertextBlob": blob}))
        assert opened_in_ireland(installation, monkeypatch, credentials, key, sealed) == {MESSAGE}
    sdk = f"python3 - <<'END'\n{python}END\n"
    assert installation.run(moved + sdk, before).strip() == MESSAGE.decode()
    return moved, kept


def test_a_region_is_lost_as_the_page_says(installation, people, keys, monkeypatch):
    clients, place = installation.kms(), installation.places["client"]
    key = installation.replicated()
    installation.everywhere(key)
    kept = keys | {key: []}
    rotate(installation, key, HOME, kept)
    sealed = sealed_by_sdk(installation, monkeypatch, people["user/ada"], key)
    (place / "plan").write_bytes(MESSAGE)
    (place / "plan.enc").write_bytes(clients[HOME].encrypt(KeyId=key, Plaintext=MESSAGE)["CiphertextBlob"])
    (place / "plan.esdk").write_bytes(sealed)

    installation.frankfurt.stop(signal.SIGKILL)
    left = (OTHER, THIRD)
    moved, made = clients_go_on(installation, people, key, monkeypatch, sealed)
    kept[key] += made
    all_hold(installation, kept, left)
    assert installation.standing(key, left) == ({HOME}, [])

    told, _, record = promote(installation).rstrip("\n").rpartition("\n")
    assert "alice and bob" in told and all(one in told for one in kept), told
    events = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert {event["resources"][0]["ARN"].rpartition("/")[2] for event in events} >= set(kept), told
    assert {event["recipientAccountId"] for event in events} == {installation.root["AccountId"]}
    answer = json.loads(record)["responseElements"]
    assert [signer["name"] for signer in answer["confirmedBy"]] == ["alice", "bob"], record
    assert len(answer["keys"]) > len(keys)
    for one in kept:
        agree(lambda: installation.standing(one, left), ({OTHER}, [OTHER]))
        kept[one] = kept[one] + [keep(clients[name], one) for name in left]
    all_hold(installation, kept, left)

    installation.frankfurt.start()
    clients = installation.kms()
    for one in kept:
        agree(lambda: installation.standing(one), ({OTHER}, [OTHER]))
        installation.everywhere(one)
    all_hold(installation, kept)
    peer = lambda: installation.ireland.peer(HOME)
    agree(lambda: (peer()["Reachable"], peer()["KeysBehind"]), (True, 0))
    rotate(installation, key, OTHER, kept)
    all_hold(installation, {key: kept[key]})

    here = settings(installation.frankfurt, people["user/ada"]) | {"key": key}
    shown, back = blocks(PAGE, "### When it returns")
    assert installation.run(moved + shown, here).strip() == OTHER
    installation.run(moved + back, here)
    agree(lambda: installation.standing(key), ({HOME}, [HOME]))
    installation.everywhere(key)
    all_hold(installation, {key: kept[key]})


def promote(installation):
    """The section "A new primary"; what it printed at the end."""
    asked, signed, promoted = blocks(PAGE, "### A new primary")
    assert "UNREACHABLE" in installation.run(asked)
    installation.run(signed)
    return installation.run(promoted)


def test_a_region_whose_disk_is_gone_is_made_anew_as_the_page_says(tmp_path):
    with set_up(tmp_path) as installation:
        key, lost, root = installation.replicated(), installation.frankfurt, installation.root
        installation.everywhere(key)
        kept = {key: [keep(kms, key) for kms in installation.kms().values()]}
        lost.stop(signal.SIGKILL)
        promote(installation)
        shutil.rmtree(lost.folder / "data")
        (lost.folder / "root.key").unlink()
        keyreeve("init", "--config", "keyreeve.toml", cwd=lost.folder)
        lost.start()
        # Trusted as it was before, it is no reason to forget everybody.
        installation.ireland.trust(lost.introduction(), "--home")
        lost.trust(installation.ireland.introduction())
        agree(lambda: "eu-central-1 has no account" in installation.ireland.log(), True)
        assert may(installation.ireland, root) == "yes"

        for script in blocks(PAGE, "### A new home"):
            said = installation.run(script)
        assert "The identities are kept here from now on" in said and "alice and bob" in said, said
        *trusts, replicate = blocks(PAGE, "### When its disk is gone")
        for script in trusts:
            installation.run(script)
        becomes(lost, root, "yes")
        assert may(installation.ireland, root) == "yes"
        # As the page says of other Regions.
        lost.trust(installation.stockholm.introduction())
        assert not installation.stockholm.trust(lost.introduction())["Home"]
        made = json.loads(installation.ireland.run("account", "create", "later", "--json"))
        for region in (lost, installation.stockholm):
            becomes(region, made, "yes")
            becomes(region, root, "yes")
        moved = blocks(PAGE, "### Clients")[0]
        ireland = installation.kms()[OTHER]
        told = lambda: ireland.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"]["ReplicaKeys"]
        agree(lambda: {replica["Region"] for replica in told()}, {THIRD})
        installation.run(moved + replicate, settings(lost, root) | {"key": key})
        installation.everywhere(key)
        all_hold(installation, kept)
        agree(lambda: installation.standing(key), ({OTHER}, [OTHER]))


def test_the_page_of_a_configuration_is_one(tmp_path):
    (configuration,) = blocks(PAGE, "## Setting up", ("toml",))
    (tmp_path / "keyreeve.toml").write_text(configuration)
    done = pasted("keyreeve config check --config keyreeve.toml", tmp_path)
    assert done.returncode == 0, done
