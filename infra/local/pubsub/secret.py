"""Who may change topics and subscriptions: callers that send the secret.

Every account of the machine can connect. Without the secret, one could have messages pushed to
itself, or delete the subscriptions of the platform.
"""

import hmac
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc

from infra.local.pubsub.errors import StartError

METADATA_KEY = "x-tablegate-secret"
# What the platform's functions and the storage stand-in call: they use Google's clients as they
# are, which send no secret.
OPEN_METHODS = frozenset(
    {
        *("Publish", "GetTopic", "ListTopics", "ListTopicSubscriptions"),
        *("GetSubscription", "ListSubscriptions"),
        *("Pull", "StreamingPull", "Acknowledge", "ModifyAckDeadline"),
    }
)


def metadata(secret: str) -> list[tuple[str, str]]:
    """The metadata of a call that changes topics or subscriptions."""
    return [(METADATA_KEY, secret)]


class SecretCheck(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Refuses calls without the secret, except those of the open methods."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], details: Any
    ) -> Any:
        """Return the handler of a call, or one that refuses it."""
        handler = await continuation(details)
        if handler is None or details.method.rpartition("/")[2] in OPEN_METHODS:
            return handler
        sent = dict(details.invocation_metadata).get(METADATA_KEY, "")
        if hmac.compare_digest(str(sent).encode(), self._secret):
            return handler
        return grpc.unary_unary_rpc_method_handler(_refuse)


async def _refuse(_: bytes, context: Any) -> None:
    await context.abort(
        grpc.StatusCode.PERMISSION_DENIED,
        f"Changing topics and subscriptions needs the secret, as metadata {METADATA_KEY}",
    )


def read_secret(file: Path) -> str:
    """Read the secret.

    Raises:
        StartError: the file cannot be read, or is empty.
    """
    try:
        secret = file.read_text().strip()
    except OSError as error:
        raise StartError(f"cannot read the secret {file}: {error.strerror}") from error
    if not secret:
        raise StartError(f"the secret {file} is empty")
    return secret
