"""The shapes of the platform's own messages, and publishing them."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from shared.errors import MessagesUnavailable
from shared.lazy import api_exceptions, pubsub_gapic
from shared.settings import Settings

PUBLISH_SECONDS = 30
# Pub/Sub refuses a message with a longer one, whose sender would try again for ever.
_ATTRIBUTE_BYTES = 1024


def publish(publisher: Any, project: str, topic: str, data: bytes, **attributes: str) -> str:
    """Publish a message and wait until Pub/Sub has it.

    Returns:
        The message's id.

    Raises:
        MessagesUnavailable: it was not acknowledged in time; it may have arrived all the same.
    """
    message = {"data": data, "attributes": attributes}
    path = f"projects/{project}/topics/{topic}"
    try:
        # The service's own call: the client's collects messages in threads of its own, which costs
        # a millisecond where each message is awaited anyway.
        sent = pubsub_gapic.PublisherClient.publish(
            publisher, topic=path, messages=[message], timeout=PUBLISH_SECONDS
        )
        return str(sent.message_ids[0])
    except (api_exceptions.GoogleAPICallError, api_exceptions.RetryError, TimeoutError) as error:
        raise MessagesUnavailable(
            f"Pub/Sub did not take a message for {topic} ({type(error).__name__}); try again."
        ) from error


def attribute(text: str) -> str:
    """As much of a text as an attribute of a message holds."""
    return text.encode("utf-8", "replace")[:_ATTRIBUTE_BYTES].decode("utf-8", "ignore")


def publish_change(
    publisher: Any, settings: Settings, table_name: str, load_id: UUID, kind: str
) -> None:
    """Say that a load has changed a table.

    Args:
        publisher: Pub/Sub's publisher.
        settings: names project and topic.
        table_name: the table that has changed.
        load_id: the load that changed it.
        kind: `load`, or `restore` where rows may have gone.

    Raises:
        MessagesUnavailable: try again later.
    """
    change = {"table": table_name, "load_id": str(load_id), "kind": kind}
    publish(
        publisher,
        settings.google_cloud_project,
        settings.changes_topic,
        json.dumps(change).encode(),
        **change,
    )
