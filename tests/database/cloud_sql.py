"""A stand-in for Cloud SQL: the API that issues certificates, and the server-side proxy.

The API signs the client's key. The proxy accepts only TLS connections with such a certificate, and
forwards them to a PostgreSQL. Source: the protocol that the connector speaks.
"""

import datetime
import errno
import json
import random
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.credentials import Credentials

PEM = serialization.Encoding.PEM
# The port that the connector uses.
PORT = 3307


class Account(Credentials):  # type: ignore[misc]
    """A service account with a made-up token."""

    def refresh(self, _: Any) -> None:
        """Set a token that is valid for an hour."""
        self.token = "ya29.local"
        now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        self.expiry = now + datetime.timedelta(hours=1)


@dataclass
class CloudSql:
    """One instance.

    Attributes:
        instance: project:region:instance.
        backend: host and port of its PostgreSQL.
        lifetime: how long its certificates are valid.
        requests: the requests to the API, in order.
        status: the status that the API answers with.
    """

    instance: str
    backend: tuple[str, int]
    folder: Path
    lifetime: datetime.timedelta = datetime.timedelta(hours=1)
    requests: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200

    def __enter__(self) -> "CloudSql":
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._authority = self._signed(self._key.public_key(), "authority", is_authority=True)
        self._listening = _listen()
        self._api = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        for work in (self._api.serve_forever, self._accept):
            threading.Thread(target=work, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._api.shutdown()
        self._api.server_close()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    @property
    def endpoint(self) -> str:
        """Address of the API."""
        return f"http://127.0.0.1:{self._api.server_port}"

    def _signed(self, key: Any, name: str, *, is_authority: bool = False) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        issuer = subject if is_authority else self._authority.subject
        made = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
        made = made.not_valid_before(now - datetime.timedelta(minutes=1))
        made = made.not_valid_after(now + self.lifetime)
        limits = x509.BasicConstraints(ca=is_authority, path_length=None)
        return made.add_extension(limits, critical=True).sign(self._key, hashes.SHA256())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        cloud, address = self, self._listening.getsockname()[0]
        project, region, name = self.instance.split(":")

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(
                    {
                        "region": region,
                        "databaseVersion": "POSTGRES_18",
                        "ipAddresses": [{"type": "PRIMARY", "ipAddress": address}],
                        "serverCaCert": {"cert": cloud._authority.public_bytes(PEM).decode()},
                    }
                )

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                key = serialization.load_pem_public_key(request["public_key"].encode())
                certificate = cloud._signed(key, "client").public_bytes(PEM).decode()
                self._answer({"ephemeralCert": {"cert": certificate}}, request)

            def _answer(
                self, answer: dict[str, Any], request: dict[str, Any] | None = None
            ) -> None:
                cloud.requests.append({"path": self.path, **(request or {})})
                known = f"/projects/{project}/instances/{name}" in self.path
                self.send_response(cloud.status if known else 404)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def _accept(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        form = serialization.PrivateFormat.PKCS8
        private = key.private_bytes(PEM, form, serialization.NoEncryption())
        certificate = self._signed(key.public_key(), self.instance).public_bytes(PEM)
        (self.folder / "server.pem").write_bytes(private + certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem")
        context.load_verify_locations(cadata=self._authority.public_bytes(PEM).decode())
        context.verify_mode = ssl.CERT_REQUIRED
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=(context, connection), daemon=True).start()

    def _forward(self, context: ssl.SSLContext, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            client = context.wrap_socket(connection, server_side=True)
            backend = socket.create_connection(self.backend)
            threading.Thread(target=_pump, args=(backend, client), daemon=True).start()
            _pump(client, backend)


def _listen() -> socket.socket:
    """A server on the connector's port, at a loopback address whose port is free."""
    while True:
        address = f"127.{'.'.join(str(random.randint(1, 254)) for _ in range(3))}"
        try:
            return socket.create_server((address, PORT))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError), source, sink:
        while data := source.recv(1 << 16):
            sink.sendall(data)
