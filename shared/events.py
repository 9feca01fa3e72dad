"""Events of the uploads bucket: reading them, loading files, and dead-lettering invalid events."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Request

from shared import ingest, logs, wiring
from shared.errors import ConfigurationError, MalformedMessage, PermanentError
from shared.http import push
from shared.messages import attribute, publish
from shared.settings import Settings

FINALIZED = "google.cloud.storage.object.v1.finalized"
PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"


@dataclass(frozen=True)
class Upload:
    """The object that a finalize event is about."""

    bucket: str
    name: str
    generation: int


def finalized(event: Any) -> Upload:
    """Return the object that was finalized.

    Raises:
        MalformedMessage: the event is not a finalize event.
    """
    data = event.data
    if event["type"] != FINALIZED or not isinstance(data, Mapping):
        raise MalformedMessage(f"An event has the type {event['type']!r} instead of {FINALIZED}.")
    try:
        return Upload(str(data["bucket"]), str(data["name"]), int(data["generation"]))
    except (KeyError, ValueError, TypeError) as error:
        raise MalformedMessage("A finalize event lacks bucket, name or generation.") from error


def is_sweep(event: Any) -> bool:
    """Return whether the event is the scheduled sweep for uploads that no event announced."""
    return bool(event["type"] == PUBLISHED)


def handle(event: Any, request: Request) -> None:
    """Load the file that an event names, or on a sweep every upload that no event announced.

    Raises:
        TransientError: deliver the event again.
        HTTPException: the push service did not send it.
    """
    settings = wiring.settings()
    if settings.check_events:
        push.admit(request, settings)
    uploads = ingest.uploads()
    if is_sweep(event):
        for stored in uploads.sweep(datetime.now(UTC)):
            logs.line("WARNING", "A forgotten upload was loaded", source=stored.identity)
        for load_id in uploads.sweep_waiting():
            logs.line(
                "WARNING", "Rows that were still waiting without need were loaded", load_id=load_id
            )
        return
    with dead_letter_on_error(event, settings, wiring.publisher()):
        upload = finalized(event)
        if upload.bucket == settings.uploads_bucket:
            uploads.ingest(upload.bucket, upload.name, upload.generation)


@contextmanager
def dead_letter_on_error(event: Any, settings: Settings, publisher: Any) -> Iterator[None]:
    """Move the event to the dead-letter topic if the block raises a PermanentError.

    An event trigger has no dead-letter policy: the event would fail for a day and then be dropped.

    Raises:
        MessagesUnavailable: the event could not be moved.
    """
    try:
        yield
    except ConfigurationError:
        # Once an operator has fixed the configuration, the event can be processed.
        raise
    except PermanentError as error:
        logs.line(
            "ERROR",
            "An event was moved to the dead-letter topic",
            event=event["id"],
            error=str(error),
        )
        publish(
            publisher,
            settings,
            settings.dead_letter_topic,
            json.dumps({"event": dict(event.get_attributes()), "data": event.data}).encode(),
            error=attribute(str(error)),
            source=attribute(str(event["source"])),
        )
