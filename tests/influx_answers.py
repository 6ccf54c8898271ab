"""A loopback server that answers as InfluxDB 2 and 3 do by their documentation, and keeps what it was asked.

What it answers is data: status, headers and body by path, taken from the reference of each generation.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass(slots=True)
class Asked:
    """A request as it came over the wire."""

    method: str
    path: str
    arguments: dict[str, str]
    headers: dict[str, str]
    body: str
    line: str


@dataclass(slots=True)
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    seconds_per_byte: float = 0.0


@dataclass(slots=True)
class Server:
    port: int
    answers: dict[str, list[Answer]]  # by path; the last one stays
    asked: list[Asked] = field(default_factory=list)

    def url(self, options: str = "") -> str:
        return f"influxdb://127.0.0.1:{self.port}{options}"

    def of(self, path: str) -> list[Asked]:
        return [one for one in self.asked if one.path == path]


V2_PING = Answer(204, {"X-Influxdb-Build": "OSS", "X-Influxdb-Version": "v2.7.11"})
V3_PING = Answer(
    200,
    {"x-influxdb-build": "Core", "x-influxdb-version": "3.5.0"},
    '{"version":"3.5.0","revision":"abc","process_id":"1"}',
)
NOTHING = Answer(200, {}, '{"results":[{"statement_id":0}]}')
STORED = Answer(204)


def series(columns: list[str], *rows: list[object], name: str = "closed_trade") -> Answer:
    body = {
        "results": [{"statement_id": 0, "series": [{"name": name, "columns": columns, "values": list(rows)}]}]
    }
    return Answer(200, {"Content-Type": "application/json"}, json.dumps(body))


@contextmanager
def answering(**answers: Answer | list[Answer]) -> Iterator[Server]:
    """Serve answers; a path is written with _ for / : `api_v2_write`."""
    listed = {
        "/" + path.replace("_", "/"): given if isinstance(given, list) else [given]
        for path, given in answers.items()
    }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            size = int(self.headers.get("Content-Length") or 0)
            asked = Asked(
                self.command,
                parts.path,
                dict(parse_qsl(parts.query)),
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(size).decode(),
                self.requestline,
            )
            server.asked.append(asked)
            queue = listed.get(parts.path, [Answer(404, {}, "404 page not found")])
            answer = queue.pop(0) if len(queue) > 1 else queue[0]
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            body = answer.body.encode()
            if answer.status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                if not answer.seconds_per_byte:
                    self.wfile.write(body)
                    return
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(answer.seconds_per_byte)
            except OSError:
                self.close_connection = True  # the client gave up, as it should

        do_GET = do_POST = _serve  # noqa: N815 - the names http.server calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            return

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

    http = Quiet(("127.0.0.1", 0), Handler)
    server = Server(http.server_address[1], listed)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
