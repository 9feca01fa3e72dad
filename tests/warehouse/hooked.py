"""A warehouse that calls a function of a test before each call to BigQuery."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.warehouse.bigquery import Warehouse


@dataclass(frozen=True)
class HookedWarehouse(Warehouse):
    """A warehouse with a hook before its calls.

    Attributes:
        before: called with the name of the method.
    """

    before: Callable[[str], object] = id

    def query(self, *given: Any, **named: Any) -> list[dict[str, Any]]:
        """Call the hook, then the warehouse."""
        self.before("query")
        return super().query(*given, **named)

    def create_staging(self, *given: Any) -> None:
        """Call the hook, then the warehouse."""
        self.before("create_staging")
        super().create_staging(*given)

    def load_avro(self, *given: Any) -> None:
        """Call the hook, then the warehouse."""
        self.before("load_avro")
        super().load_avro(*given)

    def drop(self, *given: Any) -> None:
        """Call the hook, then the warehouse."""
        self.before("drop")
        super().drop(*given)

    def drop_staging(self, *given: Any) -> None:
        """Call the hook, then the warehouse."""
        self.before("drop_staging")
        super().drop_staging(*given)
