"""`keyreeve reencrypt`: files, folders and lists of ciphertexts move to another key or to the newest material, and at
any moment each of them decrypts."""

import base64
import os
import re
import signal
import stat
import time

import boto3
import pytest

import command
from paper_kms import ARN, PaperKms
from people import allow
from regions import Impostor
from server import Server

DEADLINE_SECONDS = 120


@pytest.fixture
def reencrypt(server):
    """Runs the command against the shared server."""

    def run(*arguments, **more):
        return command.run(server.url, "reencrypt", *arguments, **more)

    return run


@pytest.fixture
def keys(make_key):
    return make_key(), make_key()


def seal(kms, key, plaintext, **context):
    return kms.encrypt(KeyId=key, Plaintext=plaintext, EncryptionContext=context)["CiphertextBlob"]


def opened(kms, blob, **context):
    answer = kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    return answer["KeyId"], answer["Plaintext"]


def text(blob):
    return base64.b64encode(blob).decode()


def test_files_and_folders_move_in_the_form_and_with_the_mode_that_they_have(kms, keys, reencrypt, tmp_path):
    old, new = keys
    contents = {
        "one.enc": seal(kms, old, b"one"),
        "sub/two.b64": text(seal(kms, old, b"two")).encode() + b"\n",
        "sub/deeper/three.b64": base64.encodebytes(seal(kms, old, b"three")),
        ".hidden": seal(kms, old, b"hidden"),
        "already.enc": seal(kms, new, b"already"),
    }
    for name, content in contents.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "one.enc").chmod(0o640)
    (tmp_path / "sub/two.b64").chmod(0o400)

    said = reencrypt(tmp_path, "--to-key", new, "--dry-run")
    assert said == "Of 4 ciphertexts: 3 to do, 1 already current.\n"
    assert {name: (tmp_path / name).read_bytes() for name in contents} == contents
    assert not (tmp_path / ".keyreeve-reencrypt").exists()

    said = reencrypt(tmp_path, "--to-key", new)
    assert said.startswith("Of 4 ciphertexts: 3 re-encrypted, 1 already current.\n")
    assert opened(kms, (tmp_path / "one.enc").read_bytes()) == (new, b"one")
    two = (tmp_path / "sub/two.b64").read_bytes()
    assert two.endswith(b"\n") and two.count(b"\n") == 1
    assert opened(kms, base64.b64decode(two)) == (new, b"two")
    three = (tmp_path / "sub/deeper/three.b64").read_bytes()
    assert three == base64.encodebytes(base64.b64decode(three))
    assert opened(kms, base64.b64decode(three)) == (new, b"three")
    for name in ("already.enc", ".hidden"):
        assert (tmp_path / name).read_bytes() == contents[name]
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("one.enc", "sub/two.b64")]
    assert modes == [0o640, 0o400]

    before = {path: path.stat().st_ino for path in tmp_path.rglob("*")}
    assert reencrypt(tmp_path, "--to-key", new).startswith("Of 4 ciphertexts: 4 already current.\n")
    assert {path: path.stat().st_ino for path in tmp_path.rglob("*")} == before


def test_what_fails_is_untouched_and_named(kms, keys, reencrypt, tmp_path):
    old, new = keys
    contents = {
        "a-good.enc": seal(kms, old, b"good"),
        "b-broken.enc": seal(kms, old, b"broken")[:-1] + b"x",
        "c-empty.enc": b"",
        "d-note.txt": b"no ciphertext at all, but somebody's note\n",
        "e-long.bin": bytes(7000),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    said, error = reencrypt(tmp_path, "--to-key", new, fails=True)
    assert said.startswith("Of 5 ciphertexts: 1 re-encrypted, 4 failed.\n")
    for name, why in [
        ("b-broken.enc", "ReEncrypt: InvalidCiphertextException"),
        ("c-empty.enc", "it is empty"),
        ("d-note.txt", "it is text, and no base64"),
        ("e-long.bin", "it is longer than a ciphertext of KMS can be"),
    ]:
        assert f"{tmp_path / name}: {why}" in said
        assert (tmp_path / name).read_bytes() == contents[name]
    assert "4 of 5 could not be re-encrypted and are as they were" in error
    assert opened(kms, (tmp_path / "a-good.enc").read_bytes()) == (new, b"good")


def test_the_encryption_context_stays(kms, keys, reencrypt, tmp_path):
    old, new = keys
    sealed = seal(kms, old, b"bound", app="shop", tenant="a=b")
    (tmp_path / "bound.enc").write_bytes(sealed)
    said, _ = reencrypt(tmp_path, "--to-key", new, "--encryption-context", "app=shop", fails=True)
    assert "InvalidCiphertextException" in said and (tmp_path / "bound.enc").read_bytes() == sealed
    context = tmp_path / ".context.json"
    context.write_text('{"tenant": "a=b", "app": "replaced by the flag"}')
    reencrypt(tmp_path, "--to-key", new, "--context-from", context, "--encryption-context", "app=shop")
    assert opened(kms, (tmp_path / "bound.enc").read_bytes(), app="shop", tenant="a=b") == (new, b"bound")


def test_a_list_keeps_its_lines(kms, keys, reencrypt, tmp_path):
    old, new = keys
    lines = [
        text(seal(kms, old, b"first")),
        "2\t" + text(seal(kms, old, b"second")),
        "",
        "3\t" + text(seal(kms, old, b"third", row="3")) + '\t{"row": "3"}',
        "4\tbroken",
        "5\t" + text(seal(kms, new, b"fifth")),
    ]
    source, output = tmp_path / "list.tsv", tmp_path / "new.tsv"
    source.write_text("\n".join(lines) + "\n")
    for said_first in ("3 re-encrypted, 1 already", "3 re-encrypted by an earlier run, 1 already"):
        said, error = reencrypt("--list", source, "--output", output, "--to-key", new, fails=True)
        assert said.startswith(f"Of 5 ciphertexts: {said_first} current, 1 failed.\n")
        assert "\n  line 5, 4: its ciphertext is not base64" in said
        assert "1 of 5 could not be re-encrypted" in error
        written = output.read_text().split("\n")
        assert [line.split("\t")[0] for line in written[1:]] == ["2", "", "3", "4", "5", ""]
        assert written[4:6] == lines[4:]
        assert opened(kms, base64.b64decode(written[0])) == (new, b"first")
        assert opened(kms, base64.b64decode(written[1].split("\t")[1])) == (new, b"second")
        _, third, context = written[3].split("\t")
        assert (opened(kms, base64.b64decode(third), row="3"), context) == ((new, b"third"), '{"row": "3"}')

    # From standard input, without a line that fails.
    piped = tmp_path / "piped.tsv"
    reencrypt("--list", "-", "--output", piped, "--to-key", new, stdin="\n".join(lines[:2]))
    assert [line.split("\t")[0] for line in piped.read_text().split("\n")[1:]] == ["2", ""]


def test_a_list_goes_into_a_file_and_nothing_else(elsewhere, tmp_path):
    (tmp_path / "list.tsv").write_text(text(elsewhere.seal(b"\1", b"x")) + "\n")
    (tmp_path / "to-nothing").symlink_to(tmp_path / "nothing")
    sweep = ("reencrypt", "--list", tmp_path / "list.tsv", "--key-id", ARN, "--output")
    for output, why in [
        ("-", "the list goes into a file"),
        ("/dev/null", "no file"),
        (tmp_path, "no file"),
        (tmp_path / "to-nothing", "a link to nothing"),
    ]:
        _, error = command.run(elsewhere.url, *sweep, output, fails=True)
        assert why in error
    assert not elsewhere.asked
    (tmp_path / "nothing").write_bytes(b"")
    command.run(elsewhere.url, *sweep, tmp_path / "to-nothing")
    assert (tmp_path / "to-nothing").is_symlink()
    assert base64.b64decode((tmp_path / "nothing").read_text()) == elsewhere.seal(b"\2", b"x")


@pytest.fixture
def falls_silent():
    """A KMS that answers ReEncrypt as often as it is told to."""
    kms = PaperKms(answers=0)
    yield kms
    kms.close()


def test_kill_9_leaves_the_old_or_the_new_and_the_next_run_goes_on(falls_silent, tmp_path):
    count, parallel = 400, 3
    old, new = ([falls_silent.seal(material, str(n).encode()) for n in range(count)] for material in (b"\1", b"\2"))
    files = [tmp_path / f"{n:03}.enc" for n in range(count)]
    for file, sealed in zip(files, old, strict=True):
        file.write_bytes(sealed)
    sweep = ("reencrypt", tmp_path, "--key-id", ARN)
    answered = 0
    for answers in (40, 160):
        falls_silent.silent.clear()
        falls_silent.answers = answers
        running = command.start(falls_silent.url, *sweep, "--parallel", str(parallel))
        # When one thread asks in vain, the others may be anywhere between their last answer and the file.
        assert falls_silent.silent.wait(DEADLINE_SECONDS)
        running.send_signal(signal.SIGKILL)
        running.communicate()
        answered += answers
        found = [file.read_bytes() for file in files]
        assert all(sealed in (old[n], new[n]) for n, sealed in enumerate(found))
        moved = sum(sealed == new[n] for n, sealed in enumerate(found))
        assert answered - 2 * parallel <= moved <= answered
    falls_silent.go_on()
    said = command.run(falls_silent.url, *sweep)
    assert said.startswith(f"Of {count} ciphertexts: ") and "failed" not in said
    assert [file.read_bytes() for file in files] == new
    assert sorted(tmp_path.iterdir()) == [tmp_path / ".keyreeve-reencrypt", *files]
    assert command.run(falls_silent.url, *sweep).startswith(f"Of {count} ciphertexts: {count} already current.\n")


def test_two_sweeps_do_not_share_a_journal(falls_silent, tmp_path):
    for n in range(5):
        (tmp_path / f"{n}.enc").write_bytes(falls_silent.seal(b"\1", str(n).encode()))
    sweep = ("reencrypt", tmp_path, "--key-id", ARN)
    running = command.start(falls_silent.url, *sweep)
    # Whoever asks has the journal.
    assert falls_silent.silent.wait(DEADLINE_SECONDS)
    _, error = command.run(falls_silent.url, *sweep, fails=True)
    assert "another sweep is under way" in error
    falls_silent.go_on()
    said, _ = running.communicate(timeout=DEADLINE_SECONDS)
    assert running.returncode == 0 and said.startswith("Of 5 ciphertexts: 5 re-encrypted.\n")


def test_a_link_that_is_named_is_followed_and_stays_a_link(kms, keys, reencrypt, tmp_path):
    old, new = keys
    (tmp_path / "data").mkdir()
    (tmp_path / "data/real.enc").write_bytes(seal(kms, old, b"real"))
    (tmp_path / "link.enc").symlink_to(tmp_path / "data/real.enc")
    reencrypt(tmp_path / "link.enc", "--to-key", new)
    assert (tmp_path / "link.enc").is_symlink()
    assert opened(kms, (tmp_path / "data/real.enc").read_bytes()) == (new, b"real")
    (tmp_path / "folder").mkdir()
    os.symlink(tmp_path / "data/real.enc", tmp_path / "folder/link.enc")
    assert "1 symbolic links were not followed" in reencrypt(tmp_path / "folder", "--to-key", old)


def test_who_may_not_describe_the_key_may_sweep_and_who_may_not_sweep_is_told(account, server, tmp_path):
    old, new = account.key(), account.key()
    sweeper = account.user("Sweeper", allow("kms:ReEncryptFrom", "kms:ReEncryptTo"))
    nobody = account.user("Nobody")
    (tmp_path / "one.enc").write_bytes(seal(account.kms, old, b"one"))

    def reencrypt(user, **more):
        settings = {"AWS_ACCESS_KEY_ID": user.access_key, "AWS_SECRET_ACCESS_KEY": user.secret}
        return command.run(server.url, "reencrypt", tmp_path, "--to-key", new, **settings, **more)

    said, _ = reencrypt(nobody, fails=True)
    assert f"AccessDeniedException: User: {nobody.arn} is not authorized to perform: kms:ReEncryptFrom" in said
    assert reencrypt(sweeper).startswith("Of 1 ciphertexts: 1 re-encrypted.\n")
    assert opened(account.kms, (tmp_path / "one.enc").read_bytes()) == (new, b"one")
    assert reencrypt(sweeper).startswith("Of 1 ciphertexts: 1 already current.\n")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "no credentials: set AWS_ACCESS_KEY_ID and"),
        ({"AWS_SECRET_ACCESS_KEY": None}, "AWS_SECRET_ACCESS_KEY is not"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "is the secret the one of this access key"),
        ({"AWS_ACCESS_KEY_ID": "AKIANOBODY"}, "the endpoint does not know this access key"),
        ({"AWS_ENDPOINT_URL_KMS": "http://kms.example"}, "(from AWS_ENDPOINT_URL_KMS): without TLS"),
        ({"AWS_PROFILE": "none"}, "there is no profile `none` in"),
    ],
)
def test_a_wrong_setting_stops_the_sweep_and_says_what_to_set(kms, keys, reencrypt, tmp_path, settings, sentence):
    sealed = seal(kms, keys[0], b"one")
    (tmp_path / "one.enc").write_bytes(sealed)
    _, error = reencrypt(tmp_path, "--to-key", keys[1], fails=True, **settings)
    assert sentence in error
    assert (tmp_path / "one.enc").read_bytes() == sealed


def test_settings_come_from_a_profile(kms, keys, server, reencrypt, tmp_path):
    (tmp_path / "one.enc").write_bytes(seal(kms, keys[0], b"one"))
    (tmp_path / ".credentials").write_text("[sweeper]\naws_access_key_id = test\naws_secret_access_key = test\n")
    (tmp_path / ".config").write_text(
        "[profile sweeper]\nregion = us-east-1\nservices = here\n"
        f"[services here]\nkms =\n  endpoint_url = {server.url}\n"
    )
    settings = {
        "AWS_PROFILE": "sweeper",
        "AWS_CONFIG_FILE": str(tmp_path / ".config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / ".credentials"),
    }
    gone = dict.fromkeys(["AWS_ENDPOINT_URL_KMS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"])
    said = reencrypt(tmp_path, "--to-key", keys[1], **settings, **gone)
    assert said.startswith("Of 1 ciphertexts: 1 re-encrypted.\n")


def test_after_a_rotation_old_ciphertexts_move_to_the_newest_material(server, kms, key, reencrypt, tmp_path):
    (tmp_path / "old.enc").write_bytes(seal(kms, key["Arn"], b"old"))
    first = kms.describe_key(KeyId=key["Arn"])["KeyMetadata"]["CurrentKeyMaterialId"]
    assert "The key has one material" in usage(server, key["Arn"])
    kms.rotate_key_on_demand(KeyId=key["Arn"])
    deadline = time.monotonic() + DEADLINE_SECONDS
    while kms.describe_key(KeyId=key["Arn"])["KeyMetadata"]["CurrentKeyMaterialId"] == first:
        assert time.monotonic() < deadline
    said = usage(server, key["Arn"])
    assert "No older material was used to decrypt" in said and "no proof that none are" in said
    opened(kms, (tmp_path / "old.enc").read_bytes())
    said = usage(server, key["Arn"])
    assert first in said and "An older material was used to decrypt last at" in said

    (tmp_path / "new.enc").write_bytes(seal(kms, key["Arn"], b"new"))
    # Without a key: ciphertexts of Keyreeve name theirs.
    assert reencrypt(tmp_path).startswith("Of 2 ciphertexts: 1 re-encrypted, 1 already current.\n")
    for name in ("old", "new"):
        answer = kms.decrypt(CiphertextBlob=(tmp_path / f"{name}.enc").read_bytes())
        assert answer["Plaintext"] == name.encode() and answer["KeyMaterialId"] != first
    assert reencrypt(tmp_path).startswith("Of 2 ciphertexts: 2 already current.\n")


def usage(server, key):
    return command.run(server.url, "key", "usage", "--key-id", key, "--data", server.data)


@pytest.fixture
def elsewhere():
    """A KMS that is not ours and is throttling at first."""
    kms = PaperKms(faults=[(400, "ThrottlingException"), (500, "KMSInternalException")])
    yield kms
    kms.close()


def test_ciphertexts_of_another_kms_are_swept_by_the_key_that_is_named(elsewhere, tmp_path):
    for n in range(6):
        (tmp_path / f"{n}.enc").write_bytes(elsewhere.seal(b"\2" if n == 5 else b"\1", str(n).encode()))
    said, _ = command.run(elsewhere.url, "reencrypt", tmp_path, fails=True)
    assert "it does not say its key" in said and "--key-id" in said and not elsewhere.asked

    said = command.run(elsewhere.url, "reencrypt", tmp_path, "--key-id", "alias/mine")
    # Which one was current already only the answer could say.
    assert said.startswith("Of 6 ciphertexts: 5 re-encrypted, 1 already current.\n")
    assert [(tmp_path / f"{n}.enc").read_bytes() for n in range(6)] == [
        elsewhere.seal(b"\2", str(n).encode()) for n in range(6)
    ]
    questions = [question for operation, question in elsewhere.asked if operation == "ReEncrypt"]
    assert {(one["SourceKeyId"], one["DestinationKeyId"]) for one in questions} == {("alias/mine", "alias/mine")}

    asked = elsewhere.count("ReEncrypt")
    said = command.run(elsewhere.url, "reencrypt", tmp_path, "--key-id", ARN)
    assert said.startswith("Of 6 ciphertexts: 6 already current.\n") and elsewhere.count("ReEncrypt") == asked
    # After a rotation there the journal no longer counts.
    elsewhere.material = b"\3"
    said = command.run(elsewhere.url, "reencrypt", tmp_path, "--key-id", ARN)
    assert said.startswith("Of 6 ciphertexts: 6 re-encrypted.\n")


def test_the_authority_of_the_endpoint_is_the_one_that_is_named(tmp_path):
    running = Server(tmp_path, ["--tls"]).start()
    try:
        authority = running.printed(re.compile(r"AWS_CA_BUNDLE=[\"']?([^\s\"']+)"))
        kms = make_tls_client(running.url, authority)
        old, new = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
        (tmp_path / "one.enc").write_bytes(seal(kms, old, b"one"))
        question = ("reencrypt", tmp_path / "one.enc", "--to-key", new)
        _, error = command.run(running.url, *question, fails=True)
        assert "certificate" in error and "AWS_CA_BUNDLE" in error
        # It stands in place of the system's authorities, which SSL_CERT_FILE names.
        other = Impostor(tmp_path).file
        _, error = command.run(running.url, *question, fails=True, SSL_CERT_FILE=authority, AWS_CA_BUNDLE=str(other))
        assert "certificate" in error
        command.run(running.url, *question, "--dry-run", SSL_CERT_FILE=authority)
        command.run(running.url, *question, AWS_CA_BUNDLE=authority)
        assert opened(kms, (tmp_path / "one.enc").read_bytes()) == (new, b"one")
    finally:
        running.stop()


def make_tls_client(url, authority):
    return boto3.client("kms", endpoint_url=url, verify=authority)
