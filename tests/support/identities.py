"""Identity tokens of the push service, of everybody who is not it, and what proves them."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt

from infra.local import layout as layouts
from infra.local.home import Home
from infra.local.keys import KEY_ID
from infra.local.pubsub.push import ISSUER, TokenSigner, load_signer
from tests.support.platform import Platform
from tests.support.stand_ins import StandIns

ACCOUNT, AUDIENCE = layouts.PUSH_ACCOUNT, layouts.PUSH_AUDIENCE


@pytest.fixture(scope="session")
def push_certs_url(stand_ins: StandIns) -> Iterator[str]:
    """Where the certificate of the stand-ins' signing key is."""
    certificates = stand_ins.home.certificates.read_bytes()

    class Certificates(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(certificates)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Certificates) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/push-certs"
        server.shutdown()


@pytest.fixture
def push_settings(push_certs_url: str) -> dict[str, str]:
    """The variables that say whose pushes are let in."""
    return {
        "PUSH_AUDIENCE": AUDIENCE,
        "PUSH_ACCOUNT": ACCOUNT,
        "PUSH_CERTS_URL": push_certs_url,
    }


@pytest.fixture
def push_headers(stand_ins: StandIns) -> dict[str, str]:
    """The header that proves a push to be the stand-ins' own."""
    return own(stand_ins.home)


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def own(home: Home) -> dict[str, str]:
    """The header of the push service of a home."""
    return bearer(_signer(home).token(ACCOUNT, AUDIENCE))


def strangers(platform: Platform) -> Iterator[tuple[str, dict[str, str], int]]:
    """Everybody else: who, the headers, and the status they are refused with."""
    signer = _signer(platform.home)
    right = signer.token(ACCOUNT, AUDIENCE)
    head, body, signature = right.split(".")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    yield "nobody", {}, 401
    yield "the platform's token", bearer(platform.token), 401
    yield "the platform's token as X-Token", {"X-Token": platform.token}, 401
    yield "another account", bearer(signer.token("mallory@example.iam", AUDIENCE)), 403
    yield "another audience", bearer(signer.token(ACCOUNT, "elsewhere")), 401
    yield "another key", bearer(_signed(crypt.RSASigner(key, KEY_ID))), 401
    yield "another key of another name", bearer(_signed(crypt.RSASigner(key, "mine"))), 401
    yield "yesterday", bearer(_signed(signer._signer, -86_400)), 401
    yield "tomorrow", bearer(_signed(signer._signer, 86_400)), 401
    yield "no signature", bearer(f"{head}.{body}."), 401
    yield "an unsigned token", bearer(f"{_part({'alg': 'none', 'kid': KEY_ID})}.{body}."), 401
    yield "a taken-away signature", bearer(f"{head}.{body}.SIGNATURE_REMOVED_BY_GOOGLE"), 401
    yield "another algorithm", bearer(f"{_part({'alg': 'ES256', 'kid': KEY_ID})}.{body}.x"), 401
    yield "a symmetric one", bearer(f"{_part({'alg': 'HS256', 'kid': KEY_ID})}.{body}.x"), 401
    yield "bottomless JSON", bearer(f"{_part(b'[' * 4000)}.{body}.{signature}"), 401
    yield "no object", bearer(f"{_part([1])}.{_part([2])}.{signature}"), 401
    yield "a claim changed", bearer(f"{head}.{_part({'email': ACCOUNT})}.{signature}"), 401
    yield "not even base64", bearer("\xe9.\xff.="), 401
    yield "another scheme", {"Authorization": f"Basic {right}"}, 401


def _signer(home: Home) -> TokenSigner:
    return load_signer(home.signing_key, KEY_ID)


def _signed(signer: crypt.Signer, late: int = 0) -> str:
    now = int(time.time()) + late
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "email": ACCOUNT,
        "email_verified": True,
        "iat": now,
        "exp": now + 3600,
    }
    return str(jwt.encode(signer, claims).decode())


def _part(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")
