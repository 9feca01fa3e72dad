"""Identity tokens of the platform's push service, and of everybody who is not it."""

import base64
import json
import time
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt

from infra.local import layout as layouts
from infra.local.keys import KEY_ID
from infra.local.pubsub.push import ISSUER, TokenSigner, load_signer
from tests.support.platform import Platform

ACCOUNT, AUDIENCE = layouts.PUSH_ACCOUNT, layouts.PUSH_AUDIENCE


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def own(platform: Platform) -> dict[str, str]:
    """The header of the platform's own push service."""
    return bearer(_signer(platform).token(ACCOUNT, AUDIENCE))


def strangers(platform: Platform) -> Iterator[tuple[str, dict[str, str], int]]:
    """Everybody else: who, the headers, and the status they are refused with."""
    signer = _signer(platform)
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


def _signer(platform: Platform) -> TokenSigner:
    return load_signer(platform.home.signing_key, KEY_ID)


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
