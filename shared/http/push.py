"""Pushes of Pub/Sub: who sent them, and what they carry.

The identity token is verified here even where IAM stands in front: a function that was made public
by mistake still takes messages from nobody else.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from flask import Request, abort

from shared import logs
from shared.http.bodies import content
from shared.http.certificates import Certificates
from shared.http.problems import Problem
from shared.http.tokens import Refusal
from shared.lazy import auth_exceptions, jwt
from shared.settings import Settings

_ISSUERS = ("https://accounts.google.com", "accounts.google.com")
_REMOVED = ".SIGNATURE_REMOVED_BY_GOOGLE"
_SKEW_SECONDS = 10


@dataclass(frozen=True)
class PushMessage:
    """A message as Pub/Sub pushes it.

    Attributes:
        data: its content.
        attributes: its attributes.
        message_id: Pub/Sub's id of it.
        publish_time: when it was published, RFC 3339.
        delivery_attempt: the how manieth delivery this is, where a dead-letter policy counts.
    """

    data: bytes
    attributes: Mapping[str, str]
    message_id: str
    publish_time: str
    delivery_attempt: int | None

    @classmethod
    def read(cls, request: Request) -> PushMessage:
        """The message a push brought.

        Raises:
            Problem: 400, the body is not Pub/Sub's wrapping of a message; 413.
        """
        try:
            pushed = _DECODER.decode(content(request))
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            raise Problem(
                400, "not-a-push", "The body is no wrapped Pub/Sub message; unwrap nothing."
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


_CERTIFICATES = Certificates()


def authenticate(
    request: Request, settings: Settings, certificates: Certificates = _CERTIFICATES
) -> str:
    """The account of the push service, if the call is its.

    Raises:
        Problem: 401 without a valid identity token, 403 with one of another account, 503 where the
            certificates are out of reach.
    """
    if not settings.push_audience or not settings.push_account:
        logs.line("ERROR", "PUSH_AUDIENCE and PUSH_ACCOUNT must be set for pushes to be taken")
        raise _refused("not configured")
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or token.count(".") != 2:
        raise _refused("missing")
    claims = _claims(token, settings, certificates)
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
    """Let a function of events go on only where the call is the push service's.

    Raises:
        HTTPException: it is not; answers as a door would.
    """
    try:
        authenticate(request, settings)
    except Problem as problem:
        refused = getattr(problem, "refused", "")
        logs.line("WARNING", "An event was refused", status=problem.status, refused=refused)
        abort(problem.answer())


def is_identity(request: Request) -> bool:
    """Whether the call brings an identity token rather than one of the platform's own."""
    bearer = request.headers.get("Authorization", "")
    return bearer.count(".") == 2 and not request.headers.get("X-Token")


def _claims(token: str, settings: Settings, certificates: Certificates) -> Mapping[str, Any]:
    try:
        if settings.push_checked_by_iam and token.endswith(_REMOVED):
            # Cloud Run has checked the signature and taken it away before we see the token.
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
    # The last where somebody nests the token's JSON as deep as a header is long.
    except (
        *(auth_exceptions.GoogleAuthError, ValueError, TypeError, AttributeError),
        RecursionError,
    ) as error:
        raise _refused(f"invalid ({type(error).__name__})") from None
    return verified


def _check_claims(claims: Mapping[str, Any], audience: str) -> None:
    now = time.time()
    early, late = float(claims.get("iat", "nan")), float(claims.get("exp", "nan"))
    # A comparison with a claim that is not there fails.
    in_time = early - _SKEW_SECONDS <= now <= late + _SKEW_SECONDS
    if not in_time or claims.get("aud") != audience:
        raise ValueError("claims")


def _challenge(error: str) -> str:
    return f'Bearer realm="tablegate push", error="{error}"'


def _refused(refused: str) -> Refusal:
    return Refusal(
        401,
        "push-refused",
        "This path takes pushes of the platform's own Pub/Sub subscriptions only.",
        refused=f"push: {refused}",
        challenge=_challenge("invalid_token"),
    )
