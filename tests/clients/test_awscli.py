"""The AWS CLI, versions 1 and 2, on a real file: what the README shows."""

import base64
import json
import os
import pathlib
import subprocess
import sys

import pytest

from people import allow, document, trusting

CLI = {
    "v1": pathlib.Path(sys.executable).parent / "aws",
    "v2": pathlib.Path(os.environ.get("KEYREEVE_AWS_CLI_2", "/usr/bin/aws")),
}


@pytest.fixture(params=CLI)
def aws(request, server):
    """Runs `aws kms …`; Debian's version 2 is older than AWS_ENDPOINT_URL, so the option is given."""
    program = CLI[request.param]

    def run(*arguments, fails=False, endpoint=True, service="kms"):
        where = ["--endpoint-url", server.url] if endpoint else []
        command = [str(program), *where, "--output", "json", service, *map(str, arguments)]
        environment = {**os.environ, "AWS_PAGER": ""}
        if not endpoint:
            environment["AWS_ENDPOINT_URL_KMS"] = server.url
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert (done.returncode != 0) == fails, (command, done)
        return done.stderr if fails else json.loads(done.stdout or "null")

    run.version = request.param
    assert (
        f"aws-cli/{request.param[1]}."
        in subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True).stdout
    )
    return run


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "ledger.bin"
    path.write_bytes(bytes(range(256)) * 15)
    return path


def test_a_real_file_is_encrypted_and_decrypted(aws, file, tmp_path):
    key = aws("create-key", "--description", "ledger")["KeyMetadata"]["KeyId"]
    context = ["--encryption-context", "purpose=ledger,year=2026"]
    sealed = aws("encrypt", "--key-id", key, "--plaintext", f"fileb://{file}", *context)
    blob = tmp_path / "ledger.sealed"
    blob.write_bytes(base64.b64decode(sealed["CiphertextBlob"]))
    assert file.read_bytes() not in blob.read_bytes()
    opened = aws("decrypt", "--ciphertext-blob", f"fileb://{blob}", *context)
    assert base64.b64decode(opened["Plaintext"]) == file.read_bytes()
    refusal = aws(
        "decrypt", "--ciphertext-blob", f"fileb://{blob}", "--encryption-context", "purpose=other", fails=True
    )
    assert "InvalidCiphertextException" in refusal


def test_the_usual_commands(aws, tmp_path):
    key = aws("create-key", "--tags", "TagKey=team,TagValue=payments")["KeyMetadata"]["KeyId"]
    name = f"alias/cli-{key}"
    assert aws("create-alias", "--alias-name", name, "--target-key-id", key) is None
    assert aws("describe-key", "--key-id", name)["KeyMetadata"]["KeyId"] == key
    assert key in [entry["KeyId"] for entry in aws("list-keys", "--page-size", "5")["Keys"]]
    assert aws("list-resource-tags", "--key-id", key)["Tags"] == [{"TagKey": "team", "TagValue": "payments"}]
    data_key = aws("generate-data-key", "--key-id", name, "--key-spec", "AES_256")
    assert len(base64.b64decode(data_key["Plaintext"])) == 32
    assert "Enable IAM User Permissions" in aws("get-key-policy", "--key-id", key, "--policy-name", "default")["Policy"]
    aws("disable-key", "--key-id", key)
    assert "DisabledException" in aws("generate-data-key", "--key-id", key, "--key-spec", "AES_256", fails=True)
    aws("enable-key", "--key-id", key)
    assert (
        aws("schedule-key-deletion", "--key-id", key, "--pending-window-in-days", "7")["KeyState"] == "PendingDeletion"
    )
    assert aws("cancel-key-deletion", "--key-id", key)["KeyId"].endswith(key)


def test_a_signature_by_the_cli(aws, file):
    key = aws("create-key", "--key-spec", "ECC_NIST_P256", "--key-usage", "SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    given = ["--key-id", key, "--message", f"fileb://{file}", "--signing-algorithm", "ECDSA_SHA_256"]
    signature = file.with_suffix(".sig")
    signature.write_bytes(base64.b64decode(aws("sign", *given)["Signature"]))
    assert aws("verify", *given, "--signature", f"fileb://{signature}")["SignatureValid"] is True
    file.write_bytes(b"changed")
    assert "KMSInvalidSignatureException" in aws("verify", *given, "--signature", f"fileb://{signature}", fails=True)


def test_who_am_i(aws):
    assert aws("get-caller-identity", service="sts")["Account"] == "000000000000"


def test_the_environment_variable_alone_is_enough(aws):
    if aws.version == "v2":
        pytest.skip("Debian's AWS CLI 2.9 is older than AWS_ENDPOINT_URL_KMS (2.13); version 1 covers the variable")
    assert "Keys" in aws("list-keys", endpoint=False)


def test_a_client_in_the_future_is_let_in_when_the_server_is_there_too(clock_server):
    """The whole process runs under another clock (faketime), not only the signer."""
    command = [str(CLI["v1"]), "--endpoint-url", clock_server.url, "kms", "list-keys"]

    def run(*before):
        environment = {**os.environ, "AWS_MAX_ATTEMPTS": "1"}
        return subprocess.run([*before, *command], capture_output=True, text=True, env=environment, check=False)

    assert run().returncode == 0
    clock_server.shift("+8d")
    assert "Signature expired" in run().stderr
    assert run("faketime", "-f", "+8d").returncode == 0


@pytest.fixture
def home(server, account, tmp_path):
    """Two profiles in a configuration of one's own: a user, and a role that it assumes."""
    user = account.user("Operator", allow("sts:AssumeRole"), allow("iam:*"))
    role = account.role("Worker", allow("kms:*"), trust=trusting(account.arn))
    (tmp_path / "credentials").write_text(
        f"[operator]\naws_access_key_id = {user.access_key}\naws_secret_access_key = {user.secret}\n"
    )
    (tmp_path / "config").write_text(
        "[profile operator]\nregion = us-east-1\n"
        f"[profile worker]\nregion = us-east-1\nrole_arn = {role}\nsource_profile = operator\n"
        "role_session_name = shift\n"
    )
    plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **plain,
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "HOME": str(tmp_path),
    }


def profiled(environment, *arguments, fails=False, program=CLI["v1"]):
    command = [str(program), "--output", "json", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode != 0) == fails, (command, done)
    return done.stderr if fails else json.loads(done.stdout or "null")


@pytest.mark.parametrize("variables", [["AWS_ENDPOINT_URL"], ["AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL_STS"]])
def test_a_profile_assumes_a_role_and_uses_a_key(home, server, account, variables):
    environment = {**home, **dict.fromkeys(variables, server.url)}
    worker, operator = ("--profile", "worker"), ("--profile", "operator")
    session = f"arn:aws:sts::{account.number}:assumed-role/Worker/shift"
    assert profiled(environment, *worker, "sts", "get-caller-identity")["Arn"] == session
    key = profiled(environment, *worker, "kms", "create-key")["KeyMetadata"]["Arn"]
    sealed = profiled(environment, *worker, "kms", "encrypt", "--key-id", key, "--plaintext", "eA==")
    assert sealed["KeyId"] == key
    refusal = profiled(environment, *operator, "kms", "describe-key", "--key-id", key, fails=True)
    user = f"arn:aws:iam::{account.number}:user/Operator"
    assert (
        f"User: {user} is not authorized to perform: kms:DescribeKey on resource: {key} because no identity-" in refusal
    )


def test_the_configuration_file_alone_names_the_endpoint(home, server, tmp_path):
    config = tmp_path / "config"
    config.write_text(
        config.read_text().replace("region = us-east-1", f"region = us-east-1\nendpoint_url = {server.url}")
    )
    assert profiled(home, "--profile", "worker", "kms", "list-keys")["Keys"] == []


@pytest.fixture(params=CLI)
def iam(request, home, server):
    """`aws --profile operator iam …`, by both versions."""
    options = ["--profile", "operator", "--endpoint-url", server.url]

    def run(*arguments, fails=False, service="iam"):
        return profiled(home, *options, service, *arguments, fails=fails, program=CLI[request.param])

    return run


def test_iam_by_the_command_line(iam, account, tmp_path):
    made = iam("create-user", "--user-name", "Alice", "--tags", "Key=team,Value=red")["User"]
    assert made["Arn"] == f"arn:aws:iam::{account.number}:user/Alice"
    key = iam("create-access-key", "--user-name", "Alice")["AccessKey"]
    assert key["Status"] == "Active" and len(key["SecretAccessKey"]) == 40
    policy = tmp_path / "policy.json"
    policy.write_text(document(allow("kms:ListKeys")))
    arn = iam("create-policy", "--policy-name", "Mine", "--policy-document", f"file://{policy}")["Policy"]["Arn"]
    assert iam("attach-user-policy", "--user-name", "Alice", "--policy-arn", arn) is None
    attached = iam("list-attached-user-policies", "--user-name", "Alice")["AttachedPolicies"]
    assert attached == [{"PolicyName": "Mine", "PolicyArn": arn}]
    iam("put-user-policy", "--user-name", "Alice", "--policy-name", "own", "--policy-document", f"file://{policy}")
    own = iam("get-user-policy", "--user-name", "Alice", "--policy-name", "own")["PolicyDocument"]
    assert own == json.loads(policy.read_text())
    assert [user["UserName"] for user in iam("list-users", "--page-size", "1")["Users"]] == ["Alice", "Operator"]
    assert iam("wait", "user-exists", "--user-name", "Alice") is None
    assert "(NoSuchEntity)" in iam("get-user", "--user-name", "Bob", fails=True)
    assert "(EntityAlreadyExists)" in iam("create-user", "--user-name", "Alice", fails=True)
    assert iam("get-account-summary")["SummaryMap"]["Users"] == 2


def test_sts_by_the_command_line(iam, account):
    role = f"arn:aws:iam::{account.number}:role/Worker"
    answer = iam(
        "assume-role", "--role-arn", role, "--role-session-name", "session", "--duration-seconds", "900", service="sts"
    )
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account.number}:assumed-role/Worker/session"
    assert iam("get-session-token", service="sts")["Credentials"]["AccessKeyId"].startswith("ASIA")
    closed = "arn:aws:iam::000000000000:role/Closed"
    refusal = iam("assume-role", "--role-arn", closed, "--role-session-name", "session", service="sts", fails=True)
    assert f"not authorized to perform: sts:AssumeRole on resource: {closed}" in refusal
