"""A warehouse with something of a test's own before each call of BigQuery."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.warehouse.bigquery import Warehouse


@dataclass(frozen=True)
class Interposed(Warehouse):
    """The warehouse itself, but for what comes before a call.

    Attributes:
        before: is told the call's name.
    """

    before: Callable[[str], object] = id

    def query(self, *given: Any, **named: Any) -> list[dict[str, Any]]:
        """As the warehouse."""
        self.before("query")
        return super().query(*given, **named)

    def create_staging(self, *given: Any) -> None:
        """As the warehouse."""
        self.before("create_staging")
        super().create_staging(*given)

    def load_avro(self, *given: Any) -> None:
        """As the warehouse."""
        self.before("load_avro")
        super().load_avro(*given)

    def drop(self, *given: Any) -> None:
        """As the warehouse."""
        self.before("drop")
        super().drop(*given)

    def drop_staging(self, *given: Any) -> None:
        """As the warehouse."""
        self.before("drop_staging")
        super().drop_staging(*given)
