"""Functions to call in-process, with settings of their own."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from flask import Flask, request
from flask.testing import FlaskClient
from google.auth import crypt, jwt

from shared.http.app import FunctionApp
from shared.http.routes import Route
from shared.settings import Settings, Token

ROWS, EXPIRED, METRICS = "rows-token", "expired-token", "metrics-token"
AUDIENCE, ACCOUNT = "tablegate", "pubsub@example.iam"


def token(name: str, text: str, *scopes: str, expires: datetime | None = None) -> Token:
    """A token as it is configured."""
    return Token(name, hashlib.sha256(text.encode()).hexdigest(), frozenset(scopes), expires)


TOKENS = (
    token("ann", ROWS, "rows"),
    token("old", EXPIRED, "rows", expires=datetime.now(UTC) - timedelta(seconds=1)),
    token("max", METRICS, "metrics", expires=datetime.now(UTC) + timedelta(days=1)),
)


@pytest.fixture
def client_of() -> Callable[..., FlaskClient]:
    """Makes a client of a function with the routes and settings given."""

    def make(*routes: Route, **settings: object) -> FlaskClient:
        read = Settings(google_cloud_project="p", **{"tokens": TOKENS, **settings})
        handle = FunctionApp("things", {"things": routes}, lambda: read)
        app = Flask("things")
        methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        for path in ("/", "/<path:path>"):
            app.add_url_rule(
                path,
                path,
                lambda path="": handle(request),
                methods=methods,
                provide_automatic_options=False,
            )
        return app.test_client()

    return make


class Signer:
    """Signs identity tokens as Google does, and serves the certificate that proves them."""

    def __init__(self) -> None:
        self.key_id = "first"
        self.fetched = 0
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.certificate = self._certificate()

    def _certificate(self) -> str:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder(name, name, self._key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM).decode()

    def token(self, **claims: object) -> str:
        """A token; `claims` replace or, where None, remove the usual ones."""
        pem = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        now = int(time.time())
        usual = {
            "iss": "https://accounts.google.com",
            "aud": AUDIENCE,
            "email": ACCOUNT,
            "email_verified": True,
            "sub": "1",
            "iat": now,
            "exp": now + 3600,
        }
        said = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return str(jwt.encode(crypt.RSASigner.from_string(pem, self.key_id), said).decode())


@pytest.fixture(scope="session")
def signer_and_url() -> Iterator[tuple[Signer, str]]:
    """A signer, and where its certificates are."""
    signer = Signer()

    class Certs(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            signer.fetched += 1
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({signer.key_id: signer.certificate}).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Certs) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield signer, f"http://127.0.0.1:{server.server_port}/certs"
        server.shutdown()
