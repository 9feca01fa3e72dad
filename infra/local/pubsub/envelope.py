"""What a push carries: Google's JSON around a message, or the message alone."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from infra.local.pubsub.terms import Push
from infra.local.pubsub.wire import Pb, PubsubMessage

USER_AGENT = "CloudPubSub-Google"


@dataclass(frozen=True)
class Envelope:
    """A push request's body and headers."""

    body: bytes
    headers: dict[str, str]


def wrap(push: Push, subscription: str, serialized: bytes, attempt: int | None) -> Envelope:
    """Make the request that brings a message to its endpoint.

    `attempt` is told only where a dead-letter policy counts attempts.
    """
    message = PubsubMessage.FromString(serialized)
    if push.wrapped:
        headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
        return Envelope(_json(message, subscription, attempt), headers)
    headers = {"User-Agent": USER_AGENT, "Content-Type": "application/octet-stream"}
    if push.with_metadata:
        headers.update(_metadata(message, subscription, attempt))
    return Envelope(message.data, headers)


def _json(message: Pb, subscription: str, attempt: int | None) -> bytes:
    published = _time(message)
    head = _members({"attributes": dict(message.attributes)}) + "," if message.attributes else ""
    rest = {"messageId": message.message_id, "message_id": message.message_id}
    if message.ordering_key:
        rest["orderingKey"] = message.ordering_key
    rest |= {"publishTime": published, "publish_time": published}
    outer: dict[str, object] = {"subscription": subscription}
    if attempt is not None:
        outer = {"deliveryAttempt": attempt, **outer}
    # Spliced, because json.dumps would scan the data once more for nothing.
    return b"".join(
        (
            b'{"message":{' + head.encode() + b'"data":"',
            base64.b64encode(message.data),
            f'",{_members(rest)}}},{_members(outer)}}}'.encode(),
        )
    )


def _members(values: Mapping[str, object]) -> str:
    return json.dumps(values, separators=(",", ":"))[1:-1]


def _time(message: Pb) -> str:
    published = datetime.fromtimestamp(message.publish_time.ToMilliseconds() / 1000, UTC)
    return published.strftime("%Y-%m-%dT%H:%M:%S.") + f"{published.microsecond // 1000:03d}Z"


def _metadata(message: Pb, subscription: str, attempt: int | None) -> dict[str, str]:
    about = {
        "x-goog-pubsub-subscription-name": subscription,
        "x-goog-pubsub-message-id": message.message_id,
        "x-goog-pubsub-publish-time": _time(message),
        "x-goog-pubsub-ordering-key": message.ordering_key,
        "x-goog-pubsub-delivery-attempt": "" if attempt is None else str(attempt),
    }
    return {key: value for key, value in about.items() if value} | dict(message.attributes)
