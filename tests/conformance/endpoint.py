"""A push endpoint that records its requests and answers with a configured status."""

import base64
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Pushed:
    """One received request."""

    at: float
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def envelope(self) -> dict:
        return json.loads(self.body)

    @property
    def data(self) -> bytes:
        return base64.b64decode(self.envelope["message"]["data"])


class Endpoint:
    """An HTTP server; `answer(n, pushed)` gives the status of the n-th request, from 1."""

    def __init__(self) -> None:
        self.answer: Callable[[int, Pushed], int] = lambda n, pushed: 204
        self.pushes: list[Pushed] = []
        self._arrival = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/push?from=test"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                at, peer = time.monotonic(), self.client_address[1]
                status = endpoint.record(Pushed(at, self.path, headers, body, peer))
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        return Handler

    def record(self, pushed: Pushed) -> int:
        with self._arrival:
            self.pushes.append(pushed)
            count = len(self.pushes)
            self._arrival.notify_all()
        return self.answer(count, pushed)

    def wait_for(self, count: int, seconds: float = 60) -> list[Pushed]:
        """The pushes so far, once there are `count` of them."""
        with self._arrival:
            arrived = self._arrival.wait_for(lambda: len(self.pushes) >= count, seconds)
            assert arrived, f"{len(self.pushes)} of {count} pushes arrived in {seconds} s"
            return list(self.pushes)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
