"""The AWS SDK for Rust, unmodified; what it must see is written in rust-sdk/src. `cargo xtask test` builds it."""

import os
import pathlib
import socket
import subprocess

from server import ROOT

CLIENT = pathlib.Path(
    os.environ.get("KEYREEVE_RUST_SDK_CLIENT", ROOT / "target" / "rust-sdk" / "debug" / "keyreeve-rust-sdk-client")
)
ACCOUNT = "222233334444"


def run(url):
    build = f"CARGO_TARGET_DIR={CLIENT.parents[1]} cargo build --locked --manifest-path tests/clients/rust-sdk/Cargo.toml"
    assert CLIENT.is_file(), f"{CLIENT} is missing; to build it: {build}"
    # An account of its own, so that other tests make no keys while it lists them.
    given = {"AWS_ENDPOINT_URL_KMS": url, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": ACCOUNT}
    return subprocess.run([str(CLIENT)], env={**os.environ, **given}, capture_output=True, text=True, check=False)


def test_all_subjects(server):
    done = run(server.url)
    assert (done.returncode, done.stdout) == (0, "passed\n"), done.stderr


def test_without_a_service_the_client_fails():
    """The client's own check: an endpoint where nobody answers is no pass."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        done = run(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert (done.returncode, done.stdout) == (1, ""), done
    assert "dispatch failure" in done.stderr
