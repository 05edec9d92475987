"""Collectors of the audit trail: one that reads lines from a Unix socket, and one that speaks OTLP over HTTP."""

import http.server
import json
import socket
import threading

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

# Deadlines, not waits.
SECONDS = 30


def told(records):
    """The summaries of failed authentication among records."""
    return [record for record in records if record["eventName"] == "AuthenticationFailures"]


class Gathered:
    """What came, and waiting for it."""

    def __init__(self):
        self._items = []
        self._news = threading.Condition()

    def add(self, item):
        with self._news:
            self._items.append(item)
            self._news.notify_all()

    @property
    def items(self):
        with self._news:
            return list(self._items)

    def wait(self, enough):
        """Everything that came, once that is enough."""
        with self._news:
            assert self._news.wait_for(lambda: enough(self._items), SECONDS), self._items[-3:]
            return list(self._items)


class Lines(Gathered):
    """Listens on a Unix socket and reads one JSON text a line. `records` are parsed, `raw` is as it came."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.raw = []
        self._connection = None
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                self._connection, _ = self._listener.accept()
            except OSError:
                return
            with self._connection.makefile("rb") as lines:
                for line in lines:
                    # A line that a connection cut is sent anew on the next one.
                    if line.endswith(b"\n"):
                        self.raw.append(line)
                        self.add(json.loads(line))

    def close(self):
        """As a collector ends: it listens no more, and its connection is gone."""
        for end in (self._listener, self._connection):
            if end is not None:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                end.close()
        self._thread.join(SECONDS)


class Otlp(Gathered):
    """Answers OTLP with the next of `statuses`, then with 200. Every request is checked against OTLP's own schema."""

    def __init__(self, statuses=(), context=None):
        super().__init__()
        self._statuses = list(statuses)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        scheme = "http"
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self):
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = collector._statuses.pop(0) if collector._statuses else 200
                try:
                    assert self.path == "/v1/logs" and self.headers["Content-Type"] == "application/json"
                    # Strict: a member that the schema does not know is an error.
                    request = json_format.Parse(body, ExportLogsServiceRequest())
                except Exception as error:  # The client is told, and the test finds what came.
                    request, status = error, 400
                answer = json_format.MessageToJson(ExportLogsServiceResponse()).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                collector.add((status, request))

            def log_message(self, *arguments):
                pass

        return Handler

    def records(self, items=None):
        """The log records of taken requests."""
        taken = [request for status, request in (self.items if items is None else items) if status == 200]
        return [
            record
            for request in taken
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]
