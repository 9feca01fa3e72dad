"""Publishes messages to Pub/Sub, among them those about changed tables."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from shared import deadlines
from shared.bulkhead import Bulkhead, Full
from shared.errors import MessagesUnavailable
from shared.lazy import api_exceptions, pubsub_gapic, retries
from shared.settings import Settings

_AT_ONCE = 8
# Pub/Sub refuses a message with a longer attribute, and the sender would retry it forever.
_ATTRIBUTE_BYTES = 1024


def publish(publisher: Any, settings: Settings, topic: str, data: bytes, **attributes: str) -> str:
    """Publish a message and wait until Pub/Sub has acknowledged it.

    Args:
        publisher: Pub/Sub's publisher.
        settings: names the project, and says how long to wait.
        topic: the topic's name.
        data: the message.
        attributes: its attributes.

    Returns:
        The message's id.

    Raises:
        MessagesUnavailable: it was not acknowledged in time, but may have arrived.
    """
    message = {"data": data, "attributes": attributes}
    path = f"projects/{settings.google_cloud_project}/topics/{topic}"
    seconds = deadlines.at_most(settings.publish_seconds)
    try:
        # The call of the underlying service: the client's own call batches messages in threads,
        # which costs a millisecond for a message that is awaited at once.
        with _places.place():
            sent = pubsub_gapic.PublisherClient.publish(
                publisher, topic=path, messages=[message], timeout=seconds, retry=_retry(seconds)
            )
        return str(sent.message_ids[0])
    except (
        Full,
        api_exceptions.GoogleAPICallError,
        api_exceptions.RetryError,
        TimeoutError,
    ) as error:
        raise MessagesUnavailable(
            f"Pub/Sub did not acknowledge a message for {topic} ({type(error).__name__}); "
            "try again."
        ) from error


def _retry(seconds: float) -> Any:
    # Not the library's own: that also repeats a call whose time is up, and gives it all its time
    # again.
    errors = (api_exceptions.ServiceUnavailable, api_exceptions.Aborted)
    return retries.Retry(retries.if_exception_type(*errors), initial=0.1, timeout=seconds)


_places = Bulkhead(_AT_ONCE)


def attribute(text: str) -> str:
    """Truncate a text to what an attribute of a message can hold."""
    return text.encode("utf-8", "replace")[:_ATTRIBUTE_BYTES].decode("utf-8", "ignore")


def publish_change(
    publisher: Any, settings: Settings, table_name: str, load_id: UUID, kind: str
) -> None:
    """Publish that a load has changed a table.

    Args:
        publisher: Pub/Sub's publisher.
        settings: names the project and the topic.
        table_name: the table that has changed.
        load_id: the load that changed it.
        kind: `load`, or `restore`, which may have deleted rows.

    Raises:
        MessagesUnavailable: try again later.
    """
    change = {"table": table_name, "load_id": str(load_id), "kind": kind}
    publish(
        publisher,
        settings,
        settings.changes_topic,
        json.dumps(change).encode(),
        **change,
    )
