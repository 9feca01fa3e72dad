"""Taking a batch: from a judged body to a message that Pub/Sub has."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from shared.loading.batches import Batch, pack
from shared.messages import publish
from shared.settings import Settings


@dataclass(frozen=True)
class Ticket:
    """What a batch is known by.

    Attributes:
        batch_id: its id.
        accepted_at: the moment its rows count from; a repeat's is that of the first.
        repeated: whether its key was seen before.
    """

    batch_id: UUID
    accepted_at: datetime
    repeated: bool = False


def new_ticket() -> Ticket:
    """For a batch without a key."""
    return Ticket(uuid4(), datetime.now(UTC))


def take(publisher: Any, settings: Settings, batch: Batch, body: bytes) -> None:
    """Publish a batch, and wait until Pub/Sub has it.

    Raises:
        MessagesUnavailable: it may have arrived all the same; taking it again does no harm.
    """
    data, attributes = pack(batch, body)
    publish(publisher, settings.google_cloud_project, settings.batches_topic, data, **attributes)
