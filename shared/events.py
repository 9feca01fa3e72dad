"""What events say, and what becomes of one that can never be worked."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from shared import logs
from shared.errors import ConfigurationError, MalformedMessage, PermanentError
from shared.messages import attribute, publish
from shared.settings import Settings

FINALIZED = "google.cloud.storage.object.v1.finalized"
PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"


@dataclass(frozen=True)
class Upload:
    """The object a finalize event speaks of."""

    bucket: str
    name: str
    generation: int


def finalized(event: Any) -> Upload:
    """The object that was finalized.

    Raises:
        MalformedMessage: the event is none of an object's finalization.
    """
    data = event.data
    if event["type"] != FINALIZED or not isinstance(data, Mapping):
        raise MalformedMessage(f"An event of type {event['type']!r} is no {FINALIZED}.")
    try:
        return Upload(str(data["bucket"]), str(data["name"]), int(data["generation"]))
    except (KeyError, ValueError, TypeError) as error:
        raise MalformedMessage("A finalize event lacks bucket, name or generation.") from error


def is_sweep(event: Any) -> bool:
    """Whether the event is the schedule's call to look for what was forgotten."""
    return bool(event["type"] == PUBLISHED)


@contextmanager
def put_aside(event: Any, settings: Settings, publisher: Any) -> Iterator[None]:
    """Publish an event that can never be worked to the dead-letter topic, and be done with it.

    An event trigger has no dead letter of its own: it would fail for a day and then be dropped.

    Raises:
        MessagesUnavailable: it could not be put aside.
    """
    try:
        yield
    except ConfigurationError:
        # The operator can mend it, and then the event is good.
        raise
    except PermanentError as error:
        logs.line("ERROR", "An event was put aside", event=event["id"], error=str(error))
        publish(
            publisher,
            settings.google_cloud_project,
            settings.dead_letter_topic,
            json.dumps({"event": dict(event.get_attributes()), "data": event.data}).encode(),
            error=attribute(str(error)),
            source=attribute(str(event["source"])),
        )
