"""Streams the rows of a table from PostgreSQL, by column.

PostgreSQL aggregates each column of the rows in some pages into one value. Otherwise COPY sends
each row as a separate message, and for a million rows the messages take most of the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from shared.avro.postgres import StoredColumns, is_bulk, sends
from shared.avro.sent_rows import (
    TARGET_BYTES,
    LineReceiver,
    Receiver,
    SentColumns,
    SentLines,
    Take,
)
from shared.database import sql
from shared.database.copy import copy_out
from shared.database.sql import composed, listed, qualified, quoted
from shared.lazy import sqlalchemy as sa

_FIRST_PAGES, _MOST_PAGES = 64, 256
_RANGES_A_STREAM = 64
_FEW_ROWS = 5000
# With fewer selected rows to a page, reading whole pages is slower than following an index.
_SPARSE = 0.25
_PAGE_SCANS = {
    "enable_seqscan": "off",
    "enable_indexscan": "off",
    "enable_bitmapscan": "off",
    "max_parallel_workers_per_gather": "0",
}


@dataclass(frozen=True)
class Selection:
    """Selects rows of a table.

    Attributes:
        table_name: the table.
        columns: the columns to read.
        condition: an SQL condition for the rows to read; empty for all rows.
    """

    table_name: str
    columns: StoredColumns
    condition: str = ""


def send(connection: sa.Connection, selection: Selection, take: Take) -> int:
    """Call `take` with the selected rows, some at a time.

    Args:
        connection: inside the transaction that sees the rows.
        selection: the rows.
        take: what to do with some rows.

    Returns:
        The number of rows.

    Raises:
        DatabaseUnavailable, DatabaseBusy: try again later.
    """
    if not is_bulk(selection.columns):
        return _send_one_by_one(connection, selection, take)
    if selection.condition:
        return _send_selected(connection, selection, take)
    return _send_all(connection, selection, take)


def _send_all(connection: sa.Connection, selection: Selection, take: Take) -> int:
    receiver = Receiver(selection.columns, take)
    pages, start, step = _pages(connection, selection.table_name), 0, _FIRST_PAGES
    with _page_scans(connection):
        while start < pages:
            # One range to measure how many bytes a page has, then many ranges in a stream.
            end = min(start + (step * _RANGES_A_STREAM if start else step), pages)
            before = receiver.size_bytes
            copy_out(connection, range_query(selection, start, end, step), receiver.begin())
            page_bytes = (receiver.size_bytes - before) // (end - start) + 1
            step, start = min(max(TARGET_BYTES // page_bytes, 1), _MOST_PAGES), end
    receiver.flush()
    return receiver.rows


def _send_selected(connection: sa.Connection, selection: Selection, take: Take) -> int:
    """Send rows by a condition that may select a few rows, by an index, or nearly all."""
    few: list[SentColumns | SentLines] = []
    receiver = Receiver(selection.columns, few.append)
    copy_out(connection, few_query(selection), receiver.begin())
    receiver.flush()
    if receiver.rows <= _FEW_ROWS:
        for sent in few:
            take(sent)
        return receiver.rows
    few.clear()
    ranges = _ranges(connection, selection)
    if sum(ranges.values()) < _SPARSE * _FIRST_PAGES * len(ranges):
        return _send_one_by_one(connection, selection, take)
    receiver = Receiver(selection.columns, take)
    with _page_scans(connection):
        copy_out(connection, ranges_query(selection, list(ranges)), receiver.begin())
    receiver.flush()
    return receiver.rows


def _pages(connection: sa.Connection, table_name: str) -> int:
    query = "select pg_relation_size(cast(:name as regclass)), current_setting('block_size')"
    name = {"name": qualified(table_name)}
    table_bytes, page_bytes = connection.execute(sa.text(query), name).one()
    return -(-int(table_bytes) // int(page_bytes))


def _ranges(connection: sa.Connection, selection: Selection) -> dict[int, int]:
    """Return the first page of each range that has selected rows, with their number."""
    pages = _pages(connection, selection.table_name)
    found = connection.exec_driver_sql(range_counts_query(selection, pages))
    return {(number - 1) * _FIRST_PAGES: count for number, count in found}


def range_counts_query(selection: Selection, pages: int) -> str:
    """Count the selected rows of each range of pages that has any, by number from 1."""
    return composed(
        """
        select width_bucket(ctid, (
            select array_agg(cast('(' || first || ',0)' as tid) order by first)
            from generate_series(0, {pages}, {step}) as ranges (first)
        )), count(*)
        from {table}
        {where}
        group by 1
        order by 1
        """,
        pages=str(pages),
        step=str(_FIRST_PAGES),
        table=qualified(selection.table_name),
        where=_where(selection),
    )


def few_query(selection: Selection) -> str:
    """COPY the selected rows as one row; at most one row more than `_FEW_ROWS`."""
    return composed(
        """
        copy (
            select
                {aggregates}
            from (
                select {columns}
                from {table}
                {where}
                limit {limit}
            ) as source
        ) to stdout (format binary)
        """,
        aggregates=_aggregates(selection),
        columns=sql.columns(selection.columns),
        table=qualified(selection.table_name),
        where=_where(selection),
        limit=str(_FEW_ROWS + 1),
    )


def range_query(selection: Selection, start: int, end: int, step: int) -> str:
    """COPY the rows in pages from `start` to before `end`, with a row per `step` pages."""
    series = f"generate_series({start}, {end - 1}, {step})"
    return _by_range(selection, series, f"least(ranges.first + {step}, {end})")


def ranges_query(selection: Selection, firsts: Sequence[int]) -> str:
    """COPY the rows in the ranges that begin with these pages, with a row per range."""
    series = f"unnest(cast('{{{','.join(map(str, firsts))}}}' as bigint[]))"
    return _by_range(selection, series, f"ranges.first + {_FIRST_PAGES}")


def _by_range(selection: Selection, series: str, end: str) -> str:
    # The inner query is separate, so that it goes straight to its pages.
    return composed(
        """
        copy (
            select sent.*
            from {series} as ranges (first)
            cross join lateral (
                select
                    {aggregates}
                from {table} as source
                where ctid >= cast('(' || ranges.first || ',0)' as tid)
                    and ctid < cast('(' || {end} || ',0)' as tid)
                    {condition}
            ) as sent
        ) to stdout (format binary)
        """,
        series=series,
        aggregates=_aggregates(selection),
        table=qualified(selection.table_name),
        end=end,
        condition=f"and ({selection.condition})" if selection.condition else "",
    )


def _aggregates(selection: Selection) -> str:
    aggregates = (
        f"string_agg({expression.format(quoted(name))}, '')"
        for name, column in selection.columns.items()
        for expression in sends(column)
    )
    return listed(["int8send(count(*))", *aggregates])


def _where(selection: Selection) -> str:
    return f"where {selection.condition}" if selection.condition else ""


@contextmanager
def _page_scans(connection: sa.Connection) -> Iterator[None]:
    """Make queries go straight to the pages of each range, in one process."""
    settings = (f"set local {name} = {value}" for name, value in _PAGE_SCANS.items())
    connection.exec_driver_sql("; ".join(settings))
    yield
    defaults = (f"set local {name} to default" for name in _PAGE_SCANS)
    connection.exec_driver_sql("; ".join(defaults))


def _send_one_by_one(connection: sa.Connection, selection: Selection, take: Take) -> int:
    receiver = LineReceiver(selection.columns, take)
    copy_out(connection, row_query(selection), receiver)
    receiver.flush()
    return receiver.rows


def row_query(selection: Selection) -> str:
    """COPY the selected rows one by one, with values in the form that Avro holds."""
    values = (column.avro_sql.format(quoted(name)) for name, column in selection.columns.items())
    return composed(
        """
        copy (
            select
                {values}
            from {table}
            {where}
        ) to stdout
        """,
        values=listed(values),
        table=qualified(selection.table_name),
        where=_where(selection),
    )
