"""Authenticates calls by token. Only the hashes of tokens are known."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from flask import Request

from shared import logs
from shared.http.problems import Problem
from shared.settings import Token, parse_tokens

REMOVED_SIGNATURE = ".SIGNATURE_REMOVED_BY_GOOGLE"
"""Ends an identity token that Cloud Run has checked."""


def authenticate(
    request: Request, tokens: Sequence[Token], *scopes: str, now: datetime | None = None
) -> Token:
    """Return the token that a call carries if it has the scopes.

    Raises:
        Refusal: 401, the token is missing, unknown or expired; 403, it lacks one of the scopes.
    """
    presented = _presented(request)
    if not presented:
        raise _unauthorized("missing", "Send your token as X-Token or Authorization: Bearer.")
    token = _find(presented, tokens)
    if token is None:
        raise _unauthorized("unknown", "This token is unknown; ask the operator for one.")
    if token.expires is not None and token.expires <= (now or datetime.now(UTC)):
        raise _unauthorized("expired", "This token has expired; ask the operator for a new one.")
    for scope in scopes:
        if scope not in token.scopes:
            raise _lacks(scope, token)
    return token


class TokenFile:
    """Tokens in a file, which is read again whenever it changes.

    Args:
        path: the file; empty for none. If it does not exist, it holds no token.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None
        self._version: tuple[int, ...] | None = None
        self._found: tuple[Token, ...] = ()

    def read(self) -> tuple[Token, ...]:
        """Return the tokens; those read last if the file cannot be used."""
        if self._path is None:
            return ()
        try:
            status = self._path.stat()
            version = (status.st_mtime_ns, status.st_size, status.st_ino)
            if version != self._version:
                self._found = parse_tokens(self._path.read_text("utf-8"))
                self._version = version
        except FileNotFoundError:
            self._found, self._version = (), None
        except (OSError, ValueError) as error:
            logs.line("ERROR", "TOKENS_FILE cannot be used", error=type(error).__name__)
        return self._found


class Refusal(Problem):
    """A call that failed authentication.

    Attributes:
        refused: the reason, for the log; never the token.
    """

    def __init__(self, status: int, slug: str, detail: str, *, refused: str, challenge: str):
        self.refused = refused
        super().__init__(status, slug, detail, headers={"WWW-Authenticate": challenge})


def _presented(request: Request) -> str:
    # X-Token first: behind IAM, Authorization carries IAM's own identity token, and API Gateway
    # moves the caller's to X-Forwarded-Authorization.
    if token := request.headers.get("X-Token", "").strip():
        return token
    moved = request.headers.get("X-Forwarded-Authorization", "")
    given = moved or request.headers.get("Authorization", "")
    scheme, _, token = given.strip().partition(" ")
    if scheme.lower() != "bearer" or token.endswith(REMOVED_SIGNATURE):
        return ""
    return token.strip()


def _find(presented: str, tokens: Sequence[Token]) -> Token | None:
    digest = hashlib.sha256(presented.encode("utf-8", "surrogatepass")).hexdigest()
    found = None
    for token in tokens:
        # Compare with every token, so that the time taken reveals nothing.
        if hmac.compare_digest(digest, token.sha256):
            found = token
    return found


def _lacks(scope: str, token: Token) -> Refusal:
    return Refusal(
        403,
        "wrong-scope",
        f"This token lacks the scope {scope!r}; ask the operator for one that has it.",
        refused=f"scope of {token.name}",
        challenge=f'Bearer realm="tablegate", error="insufficient_scope", scope="{scope}"',
    )


def _unauthorized(refused: str, detail: str) -> Refusal:
    error = "" if refused == "missing" else ', error="invalid_token"'
    challenge = f'Bearer realm="tablegate"{error}'
    slug = "token-missing" if refused == "missing" else "token-refused"
    return Refusal(401, slug, detail, refused=refused, challenge=challenge)
