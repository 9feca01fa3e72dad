"""The tests that each table of the dictionary gets for nothing, whatever the tables are.

A row that the table's own kinds make goes to PostgreSQL as a file and as a batch, to BigQuery, and
to a backup and back. Whoever replaces the tables need not change this file.
"""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest

from shared import tables
from shared.storage import ObjectStore
from shared.tables.column import unescape
from shared.tables.table import Table
from shared.validation import json_schema
from shared.validation.row import validate_row
from shared.warehouse import apply
from shared.warehouse.bigquery import Warehouse
from shared.warehouse.names import Names
from shared.warehouse.reconcile import reconcile
from shared.warehouse.sync import Sync
from tests.support.every_system import load_cells, load_json, restores_exactly, stored


def examples() -> dict[str, list[dict[str, Any]]]:
    """Rows of each table that refer to each other, as JSON has them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table in tables.all_tables().values():
        row = json_schema.example(table)
        for reference in table.references:
            if reference.table != table.name:
                (parent, *_) = found[reference.table]
                row |= {name: parent[key] for name, key in reference.pairs}
            else:
                row |= {name: row[key] for name, key in reference.pairs}
        found[table.name] = [row]
    return found


def cells(table: Table, row: dict[str, Any]) -> dict[str, str | None]:
    """Return a row as a file has it."""
    checked = validate_row(table, row)
    assert isinstance(checked, dict), checked
    return {
        name: None if checked[name] is None else unescape(field.copy_text(checked[name]))
        for name, field in table.fields.items()
    }


@pytest.fixture
def new_warehouse(bigquery_client):
    suffix = uuid.uuid4().hex
    names = Names(bigquery_client.project, f"every_{suffix}", f"every_reporting_{suffix}")
    return Warehouse(bigquery_client, names, timeout_seconds=30)


def test_a_row_of_every_table_reaches_every_system_and_comes_back(
    engine, storage_client, bucket, new_warehouse
):
    apply.apply(new_warehouse, "US")
    sync = Sync(engine, new_warehouse, ObjectStore(storage_client), bucket)
    made = examples()
    found = [tables.find(name) for name in made]

    for table in found:
        rows = made[table.name]
        counts = load_cells(engine, table, [cells(table, row) for row in rows])
        assert (counts.inserted, counts.read) == (len(rows), len(rows)), table.name
        texts = [{n: msgspec.json.encode(v).decode() for n, v in row.items()} for row in rows]
        counts = load_json(engine, table, texts)
        assert (counts.unchanged, counts.read) == (len(rows), len(rows)), table.name
    sync.run()
    for one in reconcile(sync, found).tables:
        assert one.found.agrees, one.found
        assert one.found.bigquery_rows == len(stored(engine, one.found.projection.table)) > 0
    for table in reversed(found):
        restores_exactly(engine, storage_client, bucket, table)


# Checks may need what a field alone does not.
UNCHECKED = [name for name, table in tables.all_tables().items() if not table.checks]


@pytest.mark.parametrize("name", UNCHECKED)
def test_a_row_without_what_may_be_left_out_is_accepted(name):
    table = tables.find(name)
    row = json_schema.example(table)
    bare = {field: value for field, value in row.items() if table.fields[field].required}
    found = validate_row(table, bare)

    assert isinstance(found, dict), found
    assert list(found) == list(table.names)
    defaults = {one: table.fields[one].default for one in table.names if one not in bare}
    assert {one: found[one] for one in defaults} == defaults


@pytest.mark.parametrize("name", tables.all_tables())
def test_a_row_without_a_required_value_is_rejected_and_the_field_is_named(name):
    table = tables.find(name)
    row = json_schema.example(table)
    for field in (one for one in table.names if table.fields[one].required):
        found = validate_row(table, {**row, field: None})

        assert isinstance(found, tuple)
        assert [(error.field, error.code) for error in found] == [(field, "missing")]
