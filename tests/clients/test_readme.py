"""The README's first five minutes, run as they are written, and what `keyreeve dev` prints, pasted."""

import json
import re
import subprocess

import pytest

from pages import blocks, pasted
from server import ROOT, Server

# The one thing that the tests change: the port.
ENDPOINT = "http://127.0.0.1:8080"


def test_the_first_five_minutes(fresh_server, tmp_path):
    script = "".join(blocks("README.md", "## The first five minutes"))
    assert script.count(ENDPOINT) == 1
    folder = tmp_path / "scratch"
    folder.mkdir()
    done = pasted(script.replace(ENDPOINT, fresh_server.url), folder)
    assert done.returncode == 0, done
    audited = "root\tSign\ttrue"
    expected = ["attack at dawn", "Verified OK", "the same file", audited, "attack at dawn", "and nothing else"]
    # After a rotation, and in another Region.
    expected += ["attack at dawn", "attack at dawn"]
    assert done.stdout.splitlines() == expected, done
    assert b"attack at dawn" not in (folder / "plan.enc").read_bytes() + (folder / "plan.esdk").read_bytes()


def test_the_readme_starts_the_server_that_it_talks_to():
    start = [line for block in blocks("README.md", "## Two commands") for line in block.splitlines() if "-- dev" in line]
    assert len(start) == 1 and start[0].endswith(ENDPOINT), start


def test_cargo_run_needs_no_name():
    """The workspace has several programs: without a default member `cargo run -- dev` would ask which."""
    command = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    default = [package["name"] for package in metadata["packages"] if package["id"] in metadata["workspace_default_members"]]
    assert default == ["keyreeve"]


@pytest.mark.parametrize("arguments", [[], ["--tls"]])
def test_what_dev_prints_is_enough(tmp_path, arguments):
    running = Server(tmp_path, arguments).start()
    try:
        running.printed(re.compile(r"^  (aws kms .*)"))
        # What is to be pasted is what is indented.
        lines = [line.strip() for line in running.log.splitlines() if line.startswith("  ")]
        assert [line.split()[0] for line in lines[:-1]] == ["export"] * (len(lines) - 1), lines
        assert lines[-1].startswith("aws kms create-key "), lines
        done = pasted("\n".join(lines), tmp_path)
    finally:
        running.stop()
    assert done.returncode == 0, (done, running.log)
    made = json.loads(done.stdout)["KeyMetadata"]
    assert (made["Description"], made["KeyState"]) == ("my first key", "Enabled")
