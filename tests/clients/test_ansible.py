"""Ansible's `amazon.aws` modules: a playbook that changes something once, and nothing when it is run again."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from people import allow, document, trusting
from server import ROOT

PLAYBOOK = pathlib.Path(sys.executable).parent / "ansible-playbook"
COLLECTIONS = pathlib.Path(os.environ.get("KEYREEVE_ANSIBLE_COLLECTIONS", ROOT / "target" / "ansible-collections"))
READ = allow("kms:DescribeKey")


@pytest.fixture
def play(account, tmp_path):
    """Runs tasks as the root user of an account; answers which of them changed something."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))}
    environment = {
        **plain,
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "AWS_ACCESS_KEY_ID": account.access_key,
        "AWS_SECRET_ACCESS_KEY": account.secret,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": account.url,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Ansible insists on a locale that knows Unicode.
        "LC_ALL": "C.UTF-8",
    }
    book, told = tmp_path / "book.json", tmp_path / "changed.json"

    def run(tasks):
        steps = [
            {f"amazon.aws.{module}": {"state": "present", **task}, "register": f"r_{name}"}
            for name, (module, task) in tasks.items()
        ]
        changed = ", ".join(f"'{name}': r_{name}.changed" for name in tasks)
        report = {"ansible.builtin.copy": {"dest": str(told), "content": f"{{{{ {{{changed}}} | to_json }}}}"}}
        # JSON is YAML.
        book.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [*steps, report]}]))
        command = [str(PLAYBOOK), "--connection", "local", str(book)]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(told.read_text())

    return run


def test_playbooks_are_idempotent(account, play):
    arn = f"arn:aws:iam::{account.number}:"
    key_policy = document(
        allow("kms:*", Principal={"AWS": account.arn}), allow("kms:Encrypt", Principal={"AWS": f"{arn}user/Alice"})
    )
    present = {
        "policy": ("iam_managed_policy", {"name": "Readers", "description": "may look", "policy": document(READ)}),
        "user": ("iam_user", {"name": "Alice", "managed_policies": [f"{arn}policy/Readers"], "tags": {"team": "red"}}),
        "group": ("iam_group", {"name": "Staff", "users": ["Alice"], "managed_policies": [f"{arn}policy/Readers"]}),
        "role": (
            "iam_role",
            {
                "name": "Worker",
                "assume_role_policy_document": trusting(account.arn),
                "description": "works",
                "max_session_duration": 7200,
                "create_instance_profile": True,
                "managed_policies": [f"{arn}policy/Readers"],
                "tags": {"team": "blue"},
            },
        ),
        "limited": (
            "iam_role",
            {
                "name": "Limited",
                "assume_role_policy_document": trusting(account.arn),
                "create_instance_profile": False,
                "boundary": f"{arn}policy/Readers",
            },
        ),
        "inline": (
            "iam_policy",
            {"iam_type": "role", "iam_name": "Worker", "policy_name": "own", "policy_json": document(READ)},
        ),
        "key": (
            "kms_key",
            {
                "alias": "ledger",
                "description": "seals the ledger",
                "policy": key_policy,
                "tags": {"team": "red", "stage": "test"},
                "enable_key_rotation": True,
                "grants": [
                    {"name": "work", "grantee_principal": f"{arn}role/Worker", "operations": ["Decrypt", "RetireGrant"]}
                ],
            },
        ),
    }
    assert play(present) == dict.fromkeys(present, True)
    assert play(present) == dict.fromkeys(present, False)
    key = account.kms.describe_key(KeyId="alias/ledger")["KeyMetadata"]
    assert key["Description"] == "seals the ledger"
    assert json.loads(account.kms.get_key_policy(KeyId=key["Arn"])["Policy"]) == json.loads(key_policy)
    assert account.kms.get_key_rotation_status(KeyId=key["Arn"])["RotationPeriodInDays"] == 365
    (grant,) = account.kms.list_grants(KeyId=key["Arn"])["Grants"]
    assert (grant["Name"], grant["GranteePrincipal"]) == ("work", f"{arn}role/Worker")
    profile = account.iam.get_instance_profile(InstanceProfileName="Worker")["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == ["Worker"]
    assert account.iam.get_role(RoleName="Worker")["Role"]["MaxSessionDuration"] == 7200
    changed = {
        "policy": ("iam_managed_policy", {**present["policy"][1], "policy": document(allow("kms:ListKeys"))}),
        "user": ("iam_user", {**present["user"][1], "tags": {"team": "green"}}),
        "key": (
            "kms_key",
            {
                **present["key"][1],
                "tags": {"team": "red"},
                "enable_key_rotation": False,
                "grants": [],
                "purge_grants": True,
            },
        ),
    }
    assert play(changed) == dict.fromkeys(changed, True)
    assert account.kms.get_key_rotation_status(KeyId=key["Arn"])["KeyRotationEnabled"] is False
    assert account.kms.list_grants(KeyId=key["Arn"])["Grants"] == []
    absent = {
        "key": ("kms_key", {"alias": "ledger", "pending_window": 7, "state": "absent"}),
        "inline": ("iam_policy", {"iam_type": "role", "iam_name": "Worker", "policy_name": "own", "state": "absent"}),
        "role": ("iam_role", {"name": "Worker", "delete_instance_profile": True, "state": "absent"}),
        "limited": ("iam_role", {"name": "Limited", "state": "absent"}),
        "group": ("iam_group", {"name": "Staff", "state": "absent"}),
        "user": ("iam_user", {"name": "Alice", "state": "absent"}),
        "policy": ("iam_managed_policy", {"name": "Readers", "state": "absent"}),
    }
    assert play(absent) == dict.fromkeys(absent, True)
    assert account.kms.describe_key(KeyId=key["Arn"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    summary = account.iam.get_account_summary()["SummaryMap"]
    counted = {name: summary[name] for name in ("Users", "Groups", "Roles", "Policies", "InstanceProfiles")}
    assert counted == dict.fromkeys(counted, 0)
