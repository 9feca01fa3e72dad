"""insert_rows and rejected_rows in-process, with the store step behind them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient

from shared import wiring
from shared.loading import batches, store

SCOPES = ["rows", "read", "rejects"]
HEADERS = {"X-Token": "ann's token"}


@dataclass
class Service:
    """Clients of the functions, and the topics they publish to.

    Attributes:
        insert: client of insert_rows.
        rejects: client of rejected_rows.
        pull: the undelivered messages of a topic.
    """

    insert: FlaskClient
    rejects: FlaskClient
    pull: Callable[[str], list[Any]]

    def send(self, table: str, *rows: Any, **headers: str) -> Any:
        """Send a batch; header names have underscores instead of hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.insert.post(
            f"/insert_rows/{table}", json={"rows": list(rows)}, headers={**HEADERS, **named}
        )

    def deliver(self) -> int:
        """Store the published batches, as store_rows does; returns the number of messages."""
        messages = self.pull("row-batches")
        for message in messages:
            batch = batches.unpack(message.data, message.attributes)
            store.store(wiring.engine(), wiring.publisher(), wiring.settings(), batch)
        return len(messages)
