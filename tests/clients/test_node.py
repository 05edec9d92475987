"""The JavaScript SDK and Encryption SDK, unmodified; what they must do is written in node/*.mjs."""

import os
import pathlib
import subprocess

import pytest

SCRIPTS = pathlib.Path(__file__).parent / "node"


@pytest.mark.parametrize("script", ["sdk.mjs", "encryption_sdk.mjs"])
def test_script(server, key, script):
    environment = {**os.environ, "AWS_ENDPOINT_URL_KMS": server.url, "AWS_REGION": "us-east-1", "KEY_ARN": key["Arn"]}
    done = subprocess.run(["node", script], cwd=SCRIPTS, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "passed\n"), done
