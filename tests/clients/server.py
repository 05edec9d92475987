"""The server under test: starts `keyreeve dev`, waits for the line a newcomer would paste, stops it, kills it."""

import os
import pathlib
import re
import signal
import subprocess
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("KEYREEVE_BIN", ROOT / "target" / "debug" / "keyreeve"))
READY = re.compile(r"AWS_ENDPOINT_URL_KMS=[\"']?(https?://[^\s\"']+)")
# Deadlines, not waits: what they guard normally takes well under a second.
START_SECONDS = 60
STOP_SECONDS = 30


class Server:
    """One data folder and the process that serves it. The port stays the same over restarts."""

    def __init__(self, folder, arguments=(), environment=None):
        self.folder = pathlib.Path(folder)
        self.arguments = list(arguments)
        self.environment = dict(environment or {})
        self.port = 0
        self.process = None
        self.url = None
        self._lines = []
        self._news = threading.Condition()
        self._ended = False

    @property
    def data(self):
        return self.folder / "data"

    @property
    def log(self):
        """Everything that the server has written so far."""
        return "".join(self._lines)

    def start(self):
        if not BINARY.is_file():
            raise RuntimeError(f"{BINARY} is missing: run `cargo build --workspace --bins` first")
        command = [str(BINARY), "dev", "--data", str(self.data), "--port", str(self.port), *self.arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "KEYREEVE_"))}
        environment.update(self.environment)
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            text=True,
        )
        # Only what this process says counts, not what was said before a restart.
        start, self._ended = len(self._lines), False
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()
        try:
            self.url = self.printed(READY, start)
        except RuntimeError:
            self.kill9()
            raise
        self.port = int(self.url.rsplit(":", 1)[1].strip("/"))
        return self

    def printed(self, pattern, start=0):
        """The first group of `pattern` in a line of the log; waits for that line."""

        def found():
            return next(filter(None, map(pattern.search, self._lines[start:])), None)

        with self._news:
            self._news.wait_for(lambda: found() or self._ended, START_SECONDS)
        if found() is None:
            raise RuntimeError(f"{BINARY} dev printed nothing like {pattern.pattern}; it said:\n{self.log}")
        return found().group(1)

    def _read(self, stream):
        for line in stream:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _end(self):
        code = self.process.wait(STOP_SECONDS)
        self._reader.join(STOP_SECONDS)
        self.process.stdout.close()
        self.process = None
        return code

    def stop(self):
        """Asks it to stop, as a service manager does; returns the exit code."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self._end()
        except subprocess.TimeoutExpired:
            self.kill9()
            raise

    def kill9(self):
        """What a crash does."""
        if self.process is not None:
            self.process.kill()
            self._end()

    def restart(self):
        self.stop()
        return self.start()
