"""Commands of `keyreeve` that speak to the server under test as any AWS client does."""

import os
import subprocess

from server import BINARY


def environment(url, **more):
    """What such a command finds, with credentials of conftest.py; a value of None takes a variable away."""
    found = dict(os.environ) | {"AWS_ENDPOINT_URL_KMS": url, "NO_COLOR": "1"} | more
    return {name: value for name, value in found.items() if value is not None}


def start(url, *arguments, **more):
    """A command that runs beside the test."""
    return subprocess.Popen(
        [str(BINARY), *map(str, arguments)],
        env=environment(url, **more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(url, *arguments, fails=False, stdin="", **more):
    """What a command prints; with `fails`, what it prints before it fails, and on standard error."""
    done = subprocess.run(
        [str(BINARY), *map(str, arguments)],
        env=environment(url, **more),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode != 0) == fails, (arguments, done)
    assert done.returncode in (0, 1, 2), done
    return (done.stdout, done.stderr) if fails else done.stdout
