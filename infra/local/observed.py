"""The ledger and the rejected rows, read from the database for the demo."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import pg8000.native

_LOADS = """
select
  source, state, rows_read, inserted, updated, unchanged, waiting, rejected, error,
  synced_at is not null
from loads
where source = any(:sources)
order by accepted_at, source
"""
_WAITING = "select count(*) from rejected_rows where status = 'waiting'"
_REASONS = """
select rejected_rows.table_name, reason, count(*)
from rejected_rows
join loads using (load_id)
where source = any(:sources) and status = 'rejected'
group by rejected_rows.table_name, reason
order by count(*) desc, rejected_rows.table_name, reason
"""
_EXAMPLE = """
select rejected_rows.table_name, position, raw::text, errors::text
from rejected_rows
join loads using (load_id)
where source = any(:sources) and status = 'rejected'
order by rejected_at, position
limit 1
"""


class Observer:
    """Reads the platform's database."""

    def __init__(self, database_url: str) -> None:
        url = urlsplit(database_url)
        self._connection = pg8000.native.Connection(
            user=unquote(url.username or ""),
            password=unquote(url.password or ""),
            host=url.hostname or "127.0.0.1",
            port=url.port or 5432,
            database=url.path.lstrip("/"),
        )

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def loads(self, sources: Sequence[str]) -> list[list[Any]]:
        """The ledger entries of these sources: source, state, counts, error, whether synced."""
        return self._rows(_LOADS, sources=list(sources))

    def waiting(self) -> int:
        """How many rows are waiting for their parents."""
        return int(self._rows(_WAITING)[0][0])

    def reasons(self, sources: Sequence[str]) -> list[list[Any]]:
        """The rejected rows of these sources: table, reason, count."""
        return self._rows(_REASONS, sources=list(sources))

    def example(self, sources: Sequence[str]) -> list[Any] | None:
        """One rejected row of these sources: table, position, raw, errors."""
        rows = self._rows(_EXAMPLE, sources=list(sources))
        return rows[0] if rows else None

    def _rows(self, statement: str, **facts: Any) -> list[list[Any]]:
        return list(self._connection.run(statement, **facts) or [])
