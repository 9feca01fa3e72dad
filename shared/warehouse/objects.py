"""Checks what reports depend on besides the rows of tables: columns, views, the calendar, loads.

Each check is of one object of the warehouse, by its name, and says in a sentence what differs and
what to do about it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from shared.database.sql import statement
from shared.lazy import api_exceptions
from shared.lazy import sqlalchemy as sa
from shared.metrics import all_metrics
from shared.warehouse import history
from shared.warehouse.bigquery import Warehouse
from shared.warehouse.errors import mapped
from shared.warehouse.evolve import LEGACY
from shared.warehouse.names import SQL, Names
from shared.warehouse.star import Projection, projections

DATES, LOADS, REJECTS, APPLIED = "dim_dates", "loads", "load_rejects", "applied_views"
APPLY = "Run python -m shared.warehouse apply"
MAKE_ANEW = (
    "Drop the table and run python -m shared.warehouse apply; the next sweep fills what that makes."
)
_REFRESH = "Reconcile with repair, which records them again."
_SHOWN_DAYS = 10

# dim_dates has no list of columns in its file.
_DATE_COLUMNS = {"date": "DATE", "day_name": "STRING", "month_name": "STRING"} | dict.fromkeys(
    ("year", "quarter", "month", "day", "iso_year", "iso_week"), "INT64"
)
_COLUMN = re.compile(r"^  ([a-z0-9_]+) ([a-z0-9]+)\b.*?,?$", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """An object of the warehouse that is not as it should be.

    Attributes:
        name: its name.
        what: what differs, in a sentence.
        remedy: what to do, in a sentence.
        repaired: whether that was done, and the object is as it should be now.
        is_missing: whether it does not exist.
        days: of loads and rejects, the days that differ.
    """

    name: str
    what: str
    remedy: str
    repaired: bool = False
    is_missing: bool = False
    days: tuple[str, ...] = ()


def columns(warehouse: Warehouse) -> list[Found]:
    """Check the columns of every table: each is there, with its type, and holds NULL if it must.

    Raises:
        WarehouseUnavailable: try again later.
    """
    optional = {
        one.target: {column.name for column in one.columns if column.nullable}
        for one in projections()
    }
    found = [
        _columns(warehouse, name, wanted, optional.get(name, set()))
        for name, wanted in _tables().items()
    ]
    return [one for one in found if one is not None]


def views(warehouse: Warehouse) -> list[Found]:
    """Check that every view for reports is there, as it was applied from the file that we have.

    Raises:
        WarehouseUnavailable: try again later.
        WarehouseRefusal: the table of applied views is missing.
    """
    known = {row["view_name"]: row for row in _ask(warehouse, "views")}
    differing = []
    for name, text in view_texts(warehouse.names).items():
        row = known.get(name)
        shown = f"reporting.{name}"
        if row is None:
            differing.append(Found(shown, "The view is missing.", f"{APPLY}.", is_missing=True))
        elif row["applied_text_md5"] != _md5(text):
            what = "The view was made by another version of the code."
            differing.append(Found(shown, what, f"{APPLY}."))
        elif row["applied_definition_md5"] != row["definition_md5"]:
            what = "Somebody has changed the view's query."
            differing.append(Found(shown, what, f"{APPLY}, which replaces it."))
    return differing


def apply_views(warehouse: Warehouse) -> list[str]:
    """Create or replace every view, and record them; returns their names.

    Raises:
        WarehouseUnavailable: try again later.
        WarehouseRefusal: a table that they read is missing.
    """
    texts = view_texts(warehouse.names)
    for text in texts.values():
        warehouse.query(text)
    entries = [{"view_name": name, "text_md5": _md5(text)} for name, text in texts.items()]
    sql = warehouse.names.text("sync", "applied_views")
    warehouse.query(sql, {"entries": ("STRING", json.dumps(entries))})
    return list(texts)


def view_texts(names: Names) -> dict[str, str]:
    """Return the statement that makes each view, by the view's name: our own, and the metrics'."""
    own = {path.stem: names.text("views", path.stem) for path in (SQL / "views").glob("*.sql")}
    counted = {one.name: names.resolved(one.view_sql) for one in all_metrics().values()}
    return dict(sorted((own | counted).items()))


def dates(warehouse: Warehouse) -> Found | None:
    """Check the calendar, day by day.

    Raises:
        WarehouseUnavailable: try again later.
        WarehouseRefusal: it is missing.
    """
    (row,) = _ask(warehouse, "dates")
    counts = [
        f"{row[kind]} {kind}" for kind in ("missing", "extra", "changed", "repeated") if row[kind]
    ]
    if not counts:
        return None
    what = f"Days of the calendar differ: {', '.join(counts)}."
    return Found(DATES, what, "Reconcile with repair, which makes it anew.")


def remake_dates(warehouse: Warehouse) -> None:
    """Make the calendar anew.

    Raises:
        WarehouseUnavailable: try again later.
    """
    text = warehouse.names.text("tables", DATES)
    warehouse.query(text.replace("create table if not exists", "create or replace table", 1))


def ledger(connection: sa.Connection, warehouse: Warehouse) -> list[Found]:
    """Compare the loads and rejects of each day with the ledger, as the transaction sees it.

    Raises:
        WarehouseUnavailable, DatabaseUnavailable: try again later.
        WarehouseRefusal: a table is missing.
    """
    found = []
    for name, words, key in (
        ("loads_by_day", LOADS, ("day",)),
        ("rejects_by_day", REJECTS, ("day", "reason")),
    ):
        here, there = (
            _by(key, rows)
            for rows in (connection.execute(_text(name)).mappings(), _ask(warehouse, name))
        )
        differing = {
            one[0] for one in here.keys() | there.keys() if here.get(one) != there.get(one)
        }
        if differing:
            days = tuple(sorted(differing))
            what = f"Differs from the ledger for {len(days)} days: {', '.join(days[:_SHOWN_DAYS])}"
            more = " and more." if len(days) > _SHOWN_DAYS else "."
            found.append(Found(words, what + more, _REFRESH, days=days))
    return found


def refresh(connection: sa.Connection, warehouse: Warehouse, days: Sequence[str]) -> None:
    """Record the loads of some days, and their rejects, anew.

    Raises:
        WarehouseUnavailable, DatabaseUnavailable: try again later.
    """
    rows = connection.execute(_text("loads_of_days"), {"days": list(days)})
    ids = [row.load_id for row in rows]
    forget = warehouse.names.text("sync", "forget_loads")
    warehouse.query(forget, {"days": ("STRING", list(days))})
    for piece in history.pieces(ids):
        history.record(warehouse, history.read(connection, piece), rejects_of=piece)


def _tables() -> dict[str, Mapping[str, str]]:
    """Return the columns of each table of the warehouse, with their GoogleSQL types."""
    files = {path.stem: path for path in (SQL / "tables").glob("*.sql")}
    found: dict[str, Mapping[str, str]] = {
        name: {column: kind.upper() for column, kind in _COLUMN.findall(path.read_text("utf-8"))}
        for name, path in sorted(files.items())
        if name != DATES
    }
    found[DATES] = _DATE_COLUMNS
    for projection in projections():
        found[projection.target] = of_target(projection)
    return found


def of_target(projection: Projection) -> dict[str, str]:
    """Return the columns of the target of a table, with their GoogleSQL types."""
    return {column.name: column.type for column in projection.columns}


def _columns(
    warehouse: Warehouse, name: str, wanted: Mapping[str, str], optional: Collection[str]
) -> Found | None:
    with mapped():
        try:
            table = warehouse.client.get_table(warehouse.names.plain(name), timeout=60)
        except api_exceptions.NotFound:
            remedy = f"{APPLY}; what it makes is filled by the next sweep."
            return Found(name, "The table is missing.", remedy, is_missing=True)
    there = {field.name: field for field in table.schema}
    wrong = [
        f"{column} is {LEGACY.get(field.field_type, field.field_type)} and should be {kind}"
        for column, kind in wanted.items()
        if (field := there.get(column)) is not None
        and (LEGACY.get(field.field_type, field.field_type) != kind or field.mode == "REPEATED")
    ]
    missing = [column for column in wanted if column not in there]
    # A sync gives no value to a column that it does not know.
    strange = [n for n, field in there.items() if n not in wanted and field.mode == "REQUIRED"]
    full = [n for n, field in there.items() if n in optional and field.mode == "REQUIRED"]
    parts = [f"it lacks {', '.join(missing)}"] if missing else []
    parts += [f"{', '.join(full)} cannot be NULL, but is optional"] if full else []
    parts += wrong
    parts += [f"{', '.join(strange)} must have a value, and nobody gives it one"] if strange else []
    if not parts:
        return None
    is_own = name not in {one.target for one in projections()}
    is_applied = missing or full or (strange and not is_own)
    remedies = [f"{APPLY}, which adds columns and lets them be NULL."] if is_applied else []
    if wrong or (strange and is_own):
        again = "reconcile with repair" if name in (LOADS, REJECTS) else ""
        remedies.append(f"{MAKE_ANEW[:-1]}, and {again}." if again else MAKE_ANEW)
    return Found(name, f"Its columns differ: {'; '.join(parts)}.", " ".join(remedies))


def _by(key: tuple[str, ...], rows: Any) -> dict[tuple[str, ...], tuple[int, ...]]:
    return {
        tuple(row[name] for name in key): tuple(int(row[n]) for n in row if n not in key)
        for row in rows
    }


def _ask(warehouse: Warehouse, name: str) -> list[dict[str, Any]]:
    return warehouse.query(warehouse.names.text("sync", name))


def _md5(text: str) -> str:
    # Not for security: whoever may change a view may change what is recorded of it, too.
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@cache
def _text(name: str) -> sa.TextClause:
    return sa.text(statement(SQL / "ledger", name))
