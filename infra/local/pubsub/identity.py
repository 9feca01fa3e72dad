"""The push service's identity: OpenID Connect tokens as Google signs them."""

import hashlib
import time
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from google.auth import crypt, jwt

ISSUER = "https://accounts.google.com"
LIFE_SECONDS = 3600
REUSE_SECONDS = 1800


class SigningKeyFault(Exception):
    """The signing key cannot be used; the text says why, in one line."""


class Identity:
    """Signs tokens for service accounts with one RSA key."""

    def __init__(self, pem: bytes, key_id: str | None) -> None:
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise SigningKeyFault("the signing key is no PEM private key") from error
        if not isinstance(key, RSAPrivateKey):
            raise SigningKeyFault("the signing key is no RSA key")
        self.key_id = key_id or _digest(key)
        self._signer = crypt.RSASigner(key, self.key_id)
        self._tokens: dict[tuple[str, str], tuple[float, str]] = {}

    def token(self, account: str, audience: str) -> str:
        """A token that says `account` to `audience`, valid for half an hour at least."""
        now = time.time()
        signed_at, token = self._tokens.get((account, audience), (0.0, ""))
        # A clock set back makes tokens of the future, which nobody accepts.
        if not signed_at <= now < signed_at + REUSE_SECONDS:
            token = self._sign(account, audience, int(now))
            self._tokens[account, audience] = (int(now), token)
        return token

    def _sign(self, account: str, audience: str, now: int) -> str:
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "azp": _subject(account),
            "sub": _subject(account),
            "email": account,
            "email_verified": True,
            "iat": now,
            "exp": now + LIFE_SECONDS,
        }
        return str(jwt.encode(self._signer, claims).decode())


def load(path: Path, key_id: str | None) -> Identity:
    """Read a signing key.

    Raises:
        SigningKeyFault: it cannot be read, or is no RSA private key in PEM.
    """
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise SigningKeyFault(f"cannot read the signing key {path}: {error.strerror}") from error
    return Identity(pem, key_id)


def _digest(key: RSAPrivateKey) -> str:
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(public).hexdigest()[:40]


def _subject(account: str) -> str:
    """A stable number for an account, as long as Google's."""
    return str(int(hashlib.sha256(account.encode()).hexdigest(), 16))[:21]
