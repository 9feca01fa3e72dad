"""The doors that take rows and show rejects, in-process, and what lies behind them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient

from shared import wiring
from shared.loading import batches, store

SCOPES = ["rows", "rejects"]
HEADERS = {"X-Token": "ann's token"}


@dataclass
class Service:
    """The doors, and what lies behind them.

    Attributes:
        insert: client of insert_rows.
        rejects: client of rejected_rows.
        pull: the messages of a topic that nobody has taken yet.
    """

    insert: FlaskClient
    rejects: FlaskClient
    pull: Callable[[str], list[Any]]

    def send(self, table: str, *rows: Any, **headers: str) -> Any:
        """Send a batch; headers with underscores for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.insert.post(
            f"/insert_rows/{table}", json={"rows": list(rows)}, headers={**HEADERS, **named}
        )

    def deliver(self) -> int:
        """Store what was published, as store_rows does; returns how many messages it was."""
        messages = self.pull("row-batches")
        for message in messages:
            batch = batches.unpack(message.data, message.attributes)
            store.store(wiring.engine(), wiring.publisher(), wiring.settings(), batch)
        return len(messages)
