"""Two Regions as processes: how they come to trust each other, and who is nobody to them."""

import base64
import hashlib
import http.client
import json
import os
import pty
import signal
import socket
import ssl
import subprocess
import threading

import pytest

from regions import Failed, Impostor, Region, ask, certificate_of, fingerprint, keyreeve, pin_of, transport_key_of
from server import BINARY

HELLO = {"Hello": {}}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two Regions that trust each other; the identities of Ireland are kept in Frankfurt."""
    folder = tmp_path_factory.mktemp("regions")
    frankfurt = Region(folder / "frankfurt", "eu-central-1").start()
    ireland = Region(folder / "ireland", "eu-west-1").start()
    frankfurt.trust(ireland.introduction())
    ireland.trust(frankfurt.introduction(), "--home")
    yield frankfurt, ireland
    for region in (frankfurt, ireland):
        region.stop()


@pytest.fixture
def impostor(tmp_path):
    return Impostor(tmp_path)


@pytest.fixture
def trusted(pair, impostor):
    """An impostor whom Frankfurt trusts for the time of a test."""
    frankfurt, ireland = pair
    frankfurt.trust(impostor.introduction(ireland.introduction()))
    yield impostor
    if any(peer["Region"] == impostor.name for peer in frankfurt.region("list")["Trusted"]):
        frankfurt.region("untrust", impostor.name)


def test_an_introduction_names_the_certificate_that_the_region_shows(pair):
    frankfurt, ireland = pair
    introduction = frankfurt.introduction()
    assert introduction["Region"] == "eu-central-1"
    assert introduction["Endpoint"] == f"https://127.0.0.1:{frankfurt.port}"
    assert introduction["CertificatePin"] == pin_of(certificate_of(frankfurt))
    assert introduction["CertificatePin"] != ireland.introduction()["CertificatePin"]
    assert len(transport_key_of(introduction)) == 1327
    # The same again, and as a file with the fingerprint beside it.
    printed, told = keyreeve("region", "init", "--config", "keyreeve.toml", cwd=frankfurt.folder)
    assert json.loads(printed) == introduction
    assert fingerprint(introduction) in told


def test_regions_that_trust_each_other_are_reachable_from_both_sides(pair):
    for here, there in (pair, reversed(pair)):
        peer = here.reaches(there.name)
        # It is one clock: what is seen is how long the answer took.
        assert abs(peer["ClockAheadSeconds"]) <= 30
        assert peer["LastContact"] > 0 and peer["KeysBehind"] == 0
        assert "reachable" in here.run("region", "status")
    frankfurt, ireland = pair
    assert [peer["Home"] for peer in ireland.region("list")["Trusted"]] == [True]
    assert [peer["Home"] for peer in frankfurt.region("list")["Trusted"]] == [False]


def test_trust_needs_both_sides_the_right_fingerprint_and_another_region(tmp_path):
    one = Region(tmp_path / "one", "us-east-1").start()
    other = Region(tmp_path / "other", "us-west-2").start()
    try:
        introduction = other.introduction()
        (one.folder / "other.json").write_text(json.dumps(introduction))
        with pytest.raises(Failed, match="--fingerprint"):
            one.region("trust", "other.json")
        with pytest.raises(Failed, match="not the one that you compared"):
            one.region("trust", "other.json", "--fingerprint", fingerprint({**introduction, "Endpoint": "https://x"}))
        with pytest.raises(Failed, match="an introduction of us-east-1"):
            one.trust(one.introduction())
        assert one.region("list")["Trusted"] == []

        one.trust(introduction)
        one.is_refused("us-west-2", "does not trust this Region")
        assert "UNREACHABLE" in one.run("region", "status")
        other.trust(one.introduction())
        one.reaches("us-west-2")

        twin = {**introduction, "Region": "us-west-1"}
        with pytest.raises(Failed, match="has the certificate of us-west-2 already"):
            one.trust(twin)
        # Away: unreachable, and reachable again without a word from anybody.
        other.stop(signal.SIGKILL)
        assert not one.peer("us-west-2")["Reachable"]
        other.start()
        one.reaches("us-west-2")
        # It trusts whoever has the certificate, and not whoever answers there.
        one.trust({**introduction, "CertificatePin": "00" * 32})
        one.is_refused("us-west-2", "not the certificate that was trusted")
    finally:
        one.stop()
        other.stop()


def test_restarts_keep_trust_certificates_and_transport_keys(pair):
    before = [region.introduction() for region in pair]
    for region in pair:
        region.restart()
    assert [region.introduction() for region in pair] == before
    frankfurt, ireland = pair
    frankfurt.reaches(ireland.name)
    ireland.reaches(frankfurt.name)


def test_a_new_root_key_keeps_certificates_and_transport_keys(pair):
    frankfurt, ireland = pair
    before = frankfurt.introduction()
    frankfurt.run("root", "rotate")
    frankfurt.restart()
    assert frankfurt.introduction() == before
    ireland.reaches(frankfurt.name)
    frankfurt.reaches(ireland.name)


@pytest.mark.parametrize("certificate", [True, False], ids=["stranger", "no certificate"])
def test_nobody_without_a_trusted_certificate_is_answered(pair, impostor, certificate):
    connection = impostor.connect(pair[0], certificate=certificate)
    # In TLS 1.3 the client's part of the handshake ends before the server has judged its certificate.
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
        ask(connection, HELLO)


def test_old_tls_and_plain_http_are_not_spoken(pair, trusted):
    frankfurt, _ = pair
    with pytest.raises((ssl.SSLError, ConnectionError)):
        trusted.connect(frankfurt, version=ssl.TLSVersion.TLSv1_2).connect()
    with socket.create_connection(("127.0.0.1", frankfurt.port), 30) as plain:
        plain.sendall(b"POST /region/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n" + json.dumps(HELLO).encode())
        assert not plain.recv(1024).startswith(b"HTTP")


def test_a_trusted_region_is_answered_and_nothing_else_is_there(pair, trusted):
    frankfurt, _ = pair
    connection = trusted.connect(frankfurt)
    status, body = ask(connection, HELLO)
    assert status == 200
    assert json.loads(body)["Ok"]["Hello"]["region"] == "eu-central-1"
    for message in (b"", b"{}", b'"Hello"', {"Destroy": {}}, {"Hello": {}, "Pull": {}}):
        assert ask(connection, message) == (400, b""), message
    assert ask(connection, HELLO, path="/")[0] == 404
    assert ask(connection, None, method="GET")[0] == 405
    # The doors of clients and operators are elsewhere.
    assert ask(connection, HELLO, path="/region/v1/keys")[0] == 404
    connection.close()


def test_a_body_over_eight_mebibytes_is_refused(pair, trusted):
    frankfurt, _ = pair
    for announced in (True, False):
        connection = trusted.connect(frankfurt)
        headers = {"Content-Length": str(8 * 1024 * 1024 + 1)} if announced else {"Transfer-Encoding": "chunked"}
        connection.putrequest("POST", "/region/v1")
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        chunk = b" " * 65536
        try:
            for _ in range(0 if announced else 129):
                connection.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        except (ConnectionError, ssl.SSLError):
            pass  # It closed while we were still sending, which it may.
        answer = connection.getresponse()
        assert answer.status == 413
        connection.close()
    connection = trusted.connect(frankfurt)
    assert ask(connection, json.dumps(HELLO).encode() + b" " * (8 * 1024 * 1024 - 100))[0] == 200
    connection.close()


def test_untrust_takes_effect_at_once_also_on_open_connections(pair, trusted):
    frankfurt, ireland = pair
    connection = trusted.connect(frankfurt)
    assert ask(connection, HELLO)[0] == 200
    frankfurt.region("untrust", trusted.name)
    assert ask(connection, HELLO) == (403, b"")
    connection.close()
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
        ask(trusted.connect(frankfurt), HELLO)
    # And it asks nobody there any more, while the other trusted Region stays.
    assert [peer["Region"] for peer in frankfurt.region("status")["Peers"]] == [ireland.name]
    with pytest.raises(Failed, match="was not trusted"):
        frankfurt.region("untrust", trusted.name)


def test_a_listener_that_took_the_address_of_a_region_learns_nothing(pair, impostor, tmp_path):
    """The address in an introduction may come to belong to somebody else: the pin is what counts."""
    frankfurt, ireland = pair
    received = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)

    def serve():
        raw, _ = listener.accept()
        try:
            with impostor.server_context().wrap_socket(raw, server_side=True) as stream:
                received.append(stream.recv(65536))
        except (ssl.SSLError, ConnectionError):
            pass

    thread = threading.Thread(target=serve)
    thread.start()
    away = Impostor(tmp_path, "sa-east-1")
    frankfurt.trust(away.introduction(ireland.introduction(), listener.getsockname()[1]))
    try:
        peer = frankfurt.peer("sa-east-1")
        assert not peer["Reachable"] and "not the certificate that was trusted" in peer["Trouble"], peer
        thread.join(30)
        assert received in ([], [b""])
    finally:
        frankfurt.region("untrust", "sa-east-1")
        listener.close()


def test_a_server_of_several_regions_speaks_with_no_other(tmp_path):
    text = (
        '[deployment]\ndata = "data"\nregions = ["eu-central-1", "eu-west-1"]\n[listen]\naddresses = ["127.0.0.1:0"]\n'
        '[unseal]\nkey_file = "root.key"\n[region]\nlisten = "127.0.0.1:0"\nendpoint = "https://x.example:1"\n'
    )
    (tmp_path / "keyreeve.toml").write_text(text)
    with pytest.raises(Failed, match="deployment.regions names 2 Regions"):
        keyreeve("config", "check", "--config", "keyreeve.toml", cwd=tmp_path)


@pytest.fixture
def operators(tmp_path):
    """Three operators' keys, made on their own machines."""
    for name in ("alice", "bob", "carol"):
        made = json.loads(keyreeve("region", "operator-key", "new", "--out", f"{name}.key", "--json", cwd=tmp_path)[0])
        (tmp_path / f"{name}.pub").write_text(made["PublicKey"])
    return tmp_path


def signed(folder, request, *names):
    """The arguments that bring a request and signatures of it."""
    (folder / "request.json").write_text(request)
    arguments = ["--request", folder / "request.json"]
    for name in names:
        signature, told = keyreeve("region", "sign", "request.json", "--with", f"{name}.key", cwd=folder)
        assert told.startswith("You sign: ")
        (folder / f"{name}.sig").write_text(signature)
        arguments += ["--signature", folder / f"{name}.sig"]
    return arguments


def test_who_signs_reads_which_key_it_is_and_may_say_no(operators):
    der = base64.b64decode("".join((operators / "carol.pub").read_text().splitlines()[1:-1]))
    request = {
        "format": "keyreeve-confirmation/1",
        "region": "eu-north-1",
        "deployment": "d",
        "action": {"AddOperatorKey": {"name": "carol", "spki": der.hex()}},
        "nonce": "00" * 16,
        "expires": "2026-01-01T00:00:00Z",
    }
    (operators / "request.json").write_text(json.dumps(request))
    sign = [str(BINARY), "region", "sign", "request.json", "--with", "alice.key"]
    for answer, signs in [(b"n\n", False), (b"\n", False), (b"y\n", True)]:
        here, there = pty.openpty()
        try:
            os.write(here, answer)
            done = subprocess.run(sign, cwd=operators, stdin=there, capture_output=True, text=True, timeout=120)
        finally:
            os.close(here)
            os.close(there)
        assert hashlib.sha256(der).hexdigest() in done.stderr.partition("Sign it?")[0]
        assert ((done.returncode == 0), bool(done.stdout)) == (signs, signs), done


def test_operator_keys_are_ed25519_that_openssl_reads(operators):
    assert (operators / "alice.key").stat().st_mode & 0o777 == 0o600
    public = subprocess.run(
        ["openssl", "pkey", "-in", "alice.key", "-pubout"], cwd=operators, capture_output=True, text=True, check=True
    )
    assert public.stdout == (operators / "alice.pub").read_text()
    with pytest.raises(Failed, match="alice.key"):
        keyreeve("region", "operator-key", "new", "--out", "alice.key", cwd=operators)


def test_from_two_operator_keys_on_every_change_needs_two_signatures(operators, tmp_path):
    region = Region(tmp_path / "region", "eu-north-1").start()
    try:
        key = lambda *arguments: region.region("operator-key", *arguments)
        names = lambda: [entry["Name"] for entry in key("list")["OperatorKeys"]]
        for name in ("alice", "bob"):
            key("add", operators / f"{name}.pub", "--name", name)
        with pytest.raises(Failed, match="two of them must sign"):
            key("add", operators / "carol.pub", "--name", "carol")
        print_request = lambda *arguments: region.run("region", "operator-key", "request", *arguments)
        request = print_request("--add", operators / "carol.pub", "--name", "carol")
        for signers, why in [
            ([], "0 of 2"),
            (["alice"], "1 of 2"),
            (["alice", "alice"], "1 of 2"),
            (["alice", "carol"], "not the fingerprint of a registered"),
        ]:
            with pytest.raises(Failed, match=why):
                key("add", *signed(operators, request, *signers))
        # A signature of another request, and a request that was changed after it was signed.
        other = signed(operators, print_request("--add", operators / "carol.pub", "--name", "eve"), "alice", "bob")
        (operators / "request.json").write_text(request)
        with pytest.raises(Failed, match="not one of this request"):
            key("add", *other)
        arguments = signed(operators, request, "alice", "bob")
        with pytest.raises(Failed, match="one to add an operator key"):
            region.region("force-promote", *arguments)
        assert names() == ["alice", "bob"]
        added = key("add", *arguments)
        assert [signer["Name"] for signer in added["ConfirmedBy"]] == ["alice", "bob"]
        assert names() == ["alice", "bob", "carol"]
        with pytest.raises(Failed, match="carried out already"):
            key("add", *arguments)
        fingerprint_of_bob = key("list")["OperatorKeys"][1]["Fingerprint"]
        with pytest.raises(Failed, match="two of them must sign"):
            key("remove", fingerprint_of_bob)
        key("remove", *signed(operators, print_request("--remove", fingerprint_of_bob), "carol", "alice"))
        assert names() == ["alice", "carol"]
    finally:
        region.stop()


def test_a_promotion_request_is_for_one_region_and_one_hour(pair, operators):
    frankfurt, ireland = pair
    for region in pair:
        for name in ("alice", "bob"):
            region.region("operator-key", "add", operators / f"{name}.pub", "--name", name)
    request = ireland.run("region", "promotion-request", "--all", "--lost", "eu-central-1")
    assert json.loads(request)["action"] == {"ForcePromote": {"keys": "All", "lost": "eu-central-1"}}
    with pytest.raises(Failed, match="for another deployment"):
        frankfurt.region("force-promote", *signed(operators, request, "alice", "bob"))
    with pytest.raises(Failed, match="1 of 2"):
        ireland.region("force-promote", *signed(operators, request, "alice"))
    later = json.dumps({**json.loads(request), "expires": "2099-01-01T00:00:00Z"})
    with pytest.raises(Failed, match="counts longer"):
        ireland.region("force-promote", *signed(operators, later, "alice", "bob"))
    earlier = json.dumps({**json.loads(request), "expires": "2020-01-01T00:00:00Z"})
    with pytest.raises(Failed, match="counted until"):
        ireland.region("force-promote", *signed(operators, earlier, "alice", "bob"))
    with pytest.raises(Failed, match="it is not lost"):
        ireland.run("region", "promotion-request", "--all", "--lost", "eu-west-1")
