"""Arbitrary tables and rows: each row is stored exactly or rejected, in every system."""

from __future__ import annotations

import itertools
import json
import random
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from shared.database.engine import transaction
from shared.database.migrate import migrate
from shared.storage import ObjectStore
from shared.tables import Reference, Row, Table
from shared.tables.kind import Kind
from shared.warehouse import apply
from shared.warehouse.bigquery import Warehouse
from shared.warehouse.names import Names
from shared.warehouse.reconcile import reconcile
from shared.warehouse.sync import Sync
from tests.support.every_kind import SAMPLES, Sample, same
from tests.support.every_system import (
    added,
    load_cells,
    load_json,
    restores_exactly,
    stored,
)

NUMBERS = itertools.count(1)
KEYS = [sample for sample in SAMPLES if sample.kind.sample().key_bytes is not None]


@dataclass(frozen=True)
class Field:
    """A field of a table to be made, and the values for it."""

    sample: Sample
    options: dict[str, Any]
    is_optional: bool = False

    def kind(self) -> Kind:
        return self.sample.kind(**self.options, optional=self.is_optional)

    @property
    def values(self) -> st.SearchStrategy[Any]:
        found = self.sample.values(**self.options)
        return st.one_of(st.none(), found) if self.is_optional else found


@dataclass(frozen=True)
class Sent:
    """A row to be sent: its values, each as a cell and as JSON text; None for one left out."""

    values: dict[str, Any]
    cells: dict[str, str | None]
    texts: dict[str, str | None]
    is_bad: bool


@st.composite
def fields(draw, prefix, samples=SAMPLES, most=5, optional=True):
    found = {}
    for at in range(draw(st.integers(1, most))):
        sample = draw(st.sampled_from(samples))
        is_optional = optional and draw(st.booleans())
        found[f"{prefix}{at}"] = Field(sample, draw(sample.options), is_optional)
    return found


@st.composite
def sent(draw, described, key, others=None):
    """Rows of a table, with different keys; a few of them are bad in one field."""
    strategies = {name: field.values for name, field in described.items()}
    rows, seen = [], set()
    for drawn in draw(st.lists(st.fixed_dictionaries(strategies), min_size=3, max_size=9)):
        refers = others and draw(st.booleans())
        values = drawn | draw(st.sampled_from(others)) if refers else drawn
        identity = tuple(str(values[name]) for name in key)
        if identity in seen:
            continue
        seen.add(identity)
        cells, texts = {}, {}
        for name, value in values.items():
            spellings = (None, None)
            if value is not None:
                spellings = map(st.sampled_from, described[name].sample.spellings(value))
                spellings = map(draw, spellings)
            cells[name], texts[name] = spellings
        bad = draw(st.sampled_from([None, None, None, *described]))
        if bad is not None:
            sample = described[bad].sample
            cells[bad] = draw(st.sampled_from(sample.bad_cells))
            texts[bad] = json.dumps(draw(st.sampled_from(sample.bad_json)))
        rows.append(Sent(values, cells, texts, bad is not None))
    return rows


@st.composite
def dictionaries(draw):
    """Two tables, of which one refers to the other, and rows of both."""
    key = draw(fields("key", KEYS, most=2, optional=False))
    parent = {**key, **draw(fields("p"))}
    reference = {
        f"to_{name}": Field(field.sample, field.options, is_optional=draw(st.booleans()))
        for name, field in key.items()
    }
    own = draw(fields("id", KEYS, most=2, optional=False))
    child = {**own, **reference, **draw(fields("c"))}
    parents = draw(sent(parent, tuple(key)))
    keys = [{f"to_{name}": row.values[name] for name in key} for row in parents]
    number = next(NUMBERS)
    names = (f"parents_{number}", f"children_{number}")
    return (
        (_table(names[0], parent, tuple(key)), parents),
        (
            _table(names[1], child, tuple(own), Reference(tuple(reference), names[0], tuple(key))),
            draw(sent(child, tuple(own), keys)),
        ),
    )


def _table(name, described, key, *references):
    members = {field: one.kind() for field, one in described.items()}
    return Table(name, type("Thing", (Row,), members), key=key, references=references)


def loaded(engine: sa.Engine, table: Table, rows: list[Sent], form: str) -> Any:
    """Load rows as a file or as a batch."""
    if form == "csv":
        return load_cells(engine, table, [row.cells for row in rows])
    return load_json(engine, table, [row.texts for row in rows])


def check_stored(engine: sa.Engine, table: Table, wanted: list[Sent]) -> None:
    by_key = {tuple(row[name] for name in table.key): row for row in stored(engine, table)}
    assert len(by_key) == len(wanted)
    for row in wanted:
        found = by_key[tuple(row.values[name] for name in table.key)]
        for name, value in row.values.items():
            kind = table.fields[name]
            is_null = value is None and found[name] is None
            assert is_null or same(kind, found[name], value), (name, kind, value, found[name])


def loads_exactly(engine: sa.Engine, described: Any) -> None:
    """Load both tables, and check that every row is stored, waits, or is rejected."""
    (parent, parents), (child, children) = described
    forms = random.Random(len(children)).sample(["csv", "json"], 2)
    good = [row for row in parents if not row.is_bad]
    counts = loaded(engine, parent, parents, forms[0])
    assert (counts.inserted, counts.rejected) == (len(good), len(parents) - len(good))
    check_stored(engine, parent, good)

    (reference,) = child.references
    keys = [tuple(row.values[key] for _, key in reference.pairs) for row in good]
    wanted = [row for row in children if not row.is_bad]
    free = []
    for row in wanted:
        to = tuple(row.values[field] for field, _ in reference.pairs)
        if None in to or to in keys:
            free.append(row)
    counts = loaded(engine, child, children, forms[1])
    assert (counts.inserted, counts.waiting, counts.rejected) == (
        len(free),
        len(wanted) - len(free),
        len(children) - len(wanted),
    )
    check_stored(engine, child, free)
    # What was sent again is the same.
    counts = loaded(engine, parent, parents, forms[1])
    assert (counts.unchanged, counts.updated) == (len(good), 0)


ANY = settings(
    max_examples=20,
    # An example takes a second, so a failing one is not made smaller.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(dictionaries())
@ANY
def test_every_row_of_arbitrary_tables_is_stored_exactly_or_rejected(
    engine, storage_client, bucket, described
):
    (parent, _), (child, _) = described
    with added(parent, child):
        migrate(engine)
        loads_exactly(engine, described)
        restores_exactly(engine, storage_client, bucket, child)
        with transaction(engine) as connection:
            connection.exec_driver_sql(f"drop table {child.name}, {parent.name}")


@pytest.fixture
def new_warehouse(bigquery_client):
    suffix = uuid.uuid4().hex
    names = Names(bigquery_client.project, f"any_{suffix}", f"any_reporting_{suffix}")
    return Warehouse(bigquery_client, names, timeout_seconds=30)


@pytest.mark.slow
@seed(20261127)
@given(st.lists(dictionaries(), min_size=3, max_size=3))
@settings(ANY, max_examples=2)
def test_the_warehouse_has_the_rows_of_arbitrary_tables(
    engine, storage_client, bucket, new_warehouse, described
):
    found = [table for pair in described for table, _ in pair]
    with added(*found):
        migrate(engine)
        apply.apply(new_warehouse, "US")
        for pair in described:
            loads_exactly(engine, pair)
        sync = Sync(engine, new_warehouse, ObjectStore(storage_client), bucket)
        sync.run()
        for one in reconcile(sync, found).tables:
            assert one.found.agrees, one.found
            assert one.found.bigquery_rows == len(stored(engine, one.found.projection.table))
            target = new_warehouse.names.table(one.found.projection.target)
            new_warehouse.query(f"update {target} set load_id = 'another' where true")
        for one in reconcile(sync, found, repair=True).tables:
            assert one.found.count("changed") == one.found.bigquery_rows
            assert {tuple(row.fields) for row in one.found.differences} <= {("load_id",)}
            assert one.repaired or not one.found.bigquery_rows
        with transaction(engine) as connection:
            connection.exec_driver_sql(f"drop table {', '.join(t.name for t in found)} cascade")
