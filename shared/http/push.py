"""Pub/Sub pushes: verifies who sent them, and reads the message they carry.

The identity token is verified here even behind IAM, so that a function made public by mistake still
rejects messages from anyone else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import msgspec
from flask import Request, abort

from shared import logs
from shared.http.bodies import content
from shared.http.problems import RETRY_SECONDS, Problem
from shared.http.tokens import REMOVED_SIGNATURE, Refusal
from shared.lazy import auth_exceptions, jwt, urllib_request
from shared.settings import Settings

MAX_BYTES = 14 << 20
"""Size of the largest push: Pub/Sub's messages have up to 10 MB, and their data comes in base64."""

_ISSUERS = ("https://accounts.google.com", "accounts.google.com")
_SKEW_SECONDS = 10

_FRESH_SECONDS = 3600
_REFETCH_SECONDS = 60
_FETCH_TIMEOUT_SECONDS = 5
_LARGEST_BYTES = 1 << 20


class PushMessage(msgspec.Struct, frozen=True):
    """A message as Pub/Sub pushes it.

    Attributes:
        data: its content.
        attributes: its attributes.
        message_id: the id that Pub/Sub gave it.
        publish_time: when it was published, RFC 3339.
        delivery_attempt: the delivery attempt, from 1, if the subscription has a dead-letter
            policy.
    """

    data: bytes
    attributes: Mapping[str, str]
    message_id: str
    publish_time: str
    delivery_attempt: int | None

    @classmethod
    def read(cls, request: Request) -> PushMessage:
        """Read the message that a push carries.

        Raises:
            Problem: 400, the body is not a wrapped message; 413.
        """
        try:
            pushed = _DECODER.decode(content(request))
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            raise Problem(
                400,
                "not-a-push",
                "The body is not a wrapped Pub/Sub message; turn off payload unwrapping.",
            ) from None
        message = pushed.message
        return cls(
            message.data,
            message.attributes,
            message.messageId,
            message.publishTime,
            pushed.deliveryAttempt,
        )


class _Message(msgspec.Struct):
    data: bytes = b""
    attributes: dict[str, str] = {}
    messageId: str = ""  # noqa: N815 - Pub/Sub's own name
    publishTime: str = ""  # noqa: N815


class _Pushed(msgspec.Struct):
    message: _Message
    deliveryAttempt: int | None = None  # noqa: N815


_DECODER = msgspec.json.Decoder(_Pushed)


class Certificates:
    """The certificates that sign identity tokens, by key id; fetched once an hour.

    An unknown key id causes an earlier fetch, at most once a minute.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._url = ""
        self._fetched_at = 0.0
        self._found: dict[str, str] = {}

    def having(self, key_id: str, url: str) -> dict[str, str]:
        """Return the certificates, `key_id` among them if it exists.

        Raises:
            Problem: 503, they could not be fetched.
        """
        with self._lock:
            age = time.monotonic() - self._fetched_at
            limit = _FRESH_SECONDS if key_id in self._found else _REFETCH_SECONDS
            if url != self._url or not self._found or age > limit:
                self._refetch(url)
            return self._found

    def _refetch(self, url: str) -> None:
        try:
            self._found = fetch_certificates(url)
        except (OSError, ValueError) as error:
            logs.line(
                "ERROR",
                "Could not fetch the certificates that sign push tokens",
                error=type(error).__name__,
            )
            if not self._found or url != self._url:
                raise Problem(
                    503,
                    "try-again",
                    "The certificates that sign identity tokens are unavailable; try again.",
                    headers={"Retry-After": str(RETRY_SECONDS)},
                ) from error
        self._url, self._fetched_at = url, time.monotonic()


def fetch_certificates(url: str) -> dict[str, str]:
    """Fetch the certificates at an address: over https, or from this machine.

    Raises:
        OSError: the address could not be reached.
        ValueError: the address is neither, or does not serve certificates.
    """
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.scheme != "https" and not local:
        raise ValueError("PUSH_CERTS_URL must be an https address")
    with urllib_request.urlopen(url, timeout=_FETCH_TIMEOUT_SECONDS) as answer:  # nosec B310 # checked above
        found = json.loads(answer.read(_LARGEST_BYTES))
    if not isinstance(found, dict) or not found:
        raise ValueError("no certificates")
    return {str(key_id): str(pem) for key_id, pem in found.items()}


_CERTIFICATES = Certificates()


def authenticate(
    request: Request, settings: Settings, certificates: Certificates = _CERTIFICATES
) -> str:
    """Return the account of the push service if it made the call.

    Raises:
        Problem: 401, the identity token is missing or invalid; 403, it belongs to another
            account; 503, the certificates are unavailable.
    """
    if not settings.push_audience or not settings.push_account:
        logs.line("ERROR", "Set PUSH_AUDIENCE and PUSH_ACCOUNT, or no push is accepted")
        raise _refused("not configured")
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or token.count(".") != 2:
        raise _refused("missing")
    # If this header is present, Cloud Run checks the identity in it, and passes Authorization on
    # unchecked.
    checked = settings.push_checked_by_iam and "X-Serverless-Authorization" not in request.headers
    claims = _claims(token, settings, certificates, checked=checked)
    if claims.get("iss") not in _ISSUERS or claims.get("email_verified") is not True:
        raise _refused("issuer or unverified account")
    if claims.get("email") != settings.push_account:
        raise Refusal(
            403,
            "wrong-account",
            "This identity token belongs to an account that may not push here.",
            refused="wrong account",
            challenge=_challenge("insufficient_scope"),
        )
    return settings.push_account


def admit(request: Request, settings: Settings) -> None:
    """Check that the push service made the call, in a function that takes events.

    Raises:
        HTTPException: another caller did; it carries the response that FunctionApp would give.
    """
    try:
        authenticate(request, settings)
    except Problem as problem:
        refused = getattr(problem, "refused", "")
        logs.line("WARNING", "An event was refused", status=problem.status, refused=refused)
        abort(problem.response())


def is_identity(request: Request, settings: Settings) -> bool:
    """Return whether the call carries an identity token rather than a token of the platform."""
    headers = request.headers
    bearer = headers.get("Authorization", "")
    # API Gateway moves the caller's token to X-Forwarded-Authorization.
    moved = headers.get("X-Token") or headers.get("X-Forwarded-Authorization")
    if moved or bearer.count(".") != 2:
        return False
    if not bearer.endswith(REMOVED_SIGNATURE):
        return True
    # API Gateway's own identity is not the scheduler's: its caller has sent no token.
    return _account(bearer.partition(" ")[2].strip()) == settings.push_account


def _account(token: str) -> object:
    """The account that an identity token names, unverified."""
    try:
        claims: Mapping[str, Any] = jwt.decode(token, verify=False)
        return claims.get("email")
    except _errors():
        return None


def _errors() -> tuple[type[Exception], ...]:
    """What google-auth raises for an invalid token, when it is first used."""
    # RecursionError: the token's JSON may be nested as deeply as a header is long.
    return (auth_exceptions.GoogleAuthError, ValueError, TypeError, AttributeError, RecursionError)


def _claims(
    token: str, settings: Settings, certificates: Certificates, *, checked: bool
) -> Mapping[str, Any]:
    try:
        if checked and token.endswith(REMOVED_SIGNATURE):
            # Cloud Run checked the signature and removed it.
            claims: Mapping[str, Any] = jwt.decode(token, verify=False)
            _check_claims(claims, settings.push_audience)
            return claims
        key_id = str(jwt.decode_header(token).get("kid", ""))
        verified: Mapping[str, Any] = jwt.decode(
            token,
            certs=certificates.having(key_id, settings.push_certs_url),
            audience=settings.push_audience,
            clock_skew_in_seconds=_SKEW_SECONDS,
        )
    except _errors() as error:
        raise _refused(f"invalid ({type(error).__name__})") from None
    return verified


def _check_claims(claims: Mapping[str, Any], audience: str) -> None:
    now = time.time()
    early, late = float(claims.get("iat", "nan")), float(claims.get("exp", "nan"))
    # A comparison with a missing claim is false.
    in_time = early - _SKEW_SECONDS <= now <= late + _SKEW_SECONDS
    if not in_time or claims.get("aud") != audience:
        raise ValueError("claims")


def _challenge(error: str) -> str:
    return f'Bearer realm="tablegate push", error="{error}"'


def _refused(refused: str) -> Refusal:
    return Refusal(
        401,
        "push-refused",
        "This path accepts only pushes from the platform's own Pub/Sub subscriptions.",
        refused=f"push: {refused}",
        challenge=_challenge("invalid_token"),
    )
