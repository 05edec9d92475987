"""Fixtures: a running server, and unmodified AWS clients that talk to it."""

import os

# No client may find a developer's own AWS configuration.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ.update(
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_EC2_METADATA_DISABLED="true",
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_DEFAULT_REGION="us-east-1",
)

import pytest

from connect import make_client
from people import Account
from server import Server

ACCOUNT = "000000000000"


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server for all tests that do not disturb each other."""
    running = Server(tmp_path_factory.mktemp("keyreeve")).start()
    yield running
    running.stop()


@pytest.fixture
def fresh_server(tmp_path):
    """A server of its own: empty, and free to be restarted or killed."""
    running = Server(tmp_path).start()
    yield running
    running.stop()


@pytest.fixture
def clock_server(tmp_path):
    """A server whose clock `shift("+8d")` moves; the file holds a signed duration and is read on each request."""
    clock = tmp_path / "clock"
    clock.write_text("+0s")
    running = Server(tmp_path, ["--clock", str(clock)]).start()
    running.shift = clock.write_text
    yield running
    running.stop()


@pytest.fixture(scope="session")
def client_for(server):
    """Makes a client of the shared server for a Region and an account."""
    return lambda region="us-east-1", account="test", service="kms": make_client(server.url, region, account, service)


@pytest.fixture(scope="session")
def kms(client_for):
    return client_for()


@pytest.fixture
def account(server):
    """A new account of the shared server: nobody else has names in it."""
    return Account(server.url)


@pytest.fixture
def other(server):
    """Another new account."""
    return Account(server.url)


@pytest.fixture
def key(kms):
    """A new symmetric key: its metadata."""
    return kms.create_key()["KeyMetadata"]


@pytest.fixture(scope="session")
def make_key(kms):
    """Makes a key and returns its ARN."""
    return lambda **parameters: kms.create_key(**parameters)["KeyMetadata"]["Arn"]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of its server's log."""
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for name in ("server", "fresh_server", "clock_server"):
        running = getattr(item, "funcargs", {}).get(name)
        if running is not None:
            report.sections.append((f"log of {name}", running.log[-4000:]))
