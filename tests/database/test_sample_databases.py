"""The tables of the sample databases in PostgreSQL: created at once, filled through both gates."""

import csv
import io
import json
from datetime import timedelta

import msgspec
import pytest

from shared import tables
from shared.database.engine import transaction
from shared.database.migrate import migrate
from shared.loading.ledger import Counts, Source
from shared.loading.load import load_within
from shared.validation.csv_rows import blocks
from shared.validation.json_batch import check
from tests.database.moments import NOON
from tests.unit.tables.sample_databases import DATABASES
from tests.unit.tables.sample_tables import express


@pytest.fixture(params=DATABASES)
def sample(request, engine, monkeypatch):
    """The tables of a database, parents first, in the dictionary and in PostgreSQL."""
    sample = tables.in_order(dict(express(DATABASES[request.param]).tables))
    known = tables.all_tables()
    for name, table in sample.items():
        monkeypatch.setitem(known, name, table)
    migrate(engine)
    return sample


def examples(sample):
    """A row for each table; it refers to the rows of the tables before."""
    rows = {}
    for name, table in sample.items():
        row = {field: kind.example(field) for field, kind in table.fields.items()}
        rows[name] = row
        for reference in table.references:
            row.update((field, rows[reference.table][key]) for field, key in reference.pairs)
    return rows


def as_csv(row):
    """The row as a file with a header."""
    file = io.StringIO()
    writer = csv.DictWriter(file, row)
    writer.writeheader()
    writer.writerow(
        {name: one if isinstance(one, str) else json.dumps(one) for name, one in row.items()}
    )
    return io.BytesIO(file.getvalue().encode())


def as_batch(table, row):
    """The row through the gate for JSON."""
    return [check(table, msgspec.json.encode({"rows": [row]})).block(table)]


def as_file(table, row):
    """The row through the gate for CSV."""
    return blocks(table, as_csv(row), 1 << 20)


def without_what_may_lack(table, row):
    """The row's key, and the fields that must have a value."""
    return {
        name: row[name] for name, kind in table.fields.items() if kind.required or name in table.key
    }


def test_a_row_of_each_table_is_stored_through_both_gates(sample, engine, rows):
    found = examples(sample)

    def load(minute, made):
        # One transaction for all tables, since each commit waits for the disk.
        with transaction(engine) as connection:
            at = NOON + timedelta(minutes=minute)
            return {
                name: load_within(
                    connection,
                    Source(f"gs://u/{name}#{minute}", "file", name, at),
                    lambda table=table, name=name: made(table, found[name]),
                ).entry.counts
                for name, table in sample.items()
            }

    new = load(0, as_batch)
    same = load(1, as_file)
    least = load(2, lambda table, row: as_file(table, without_what_may_lack(table, row)))

    assert new == dict.fromkeys(sample, Counts(inserted=1))
    assert same == dict.fromkeys(sample, Counts(unchanged=1))
    assert {counts.updated + counts.unchanged for counts in least.values()} == {1}
    for name in sample:
        assert rows(f'select count(*) from "{name}"') == [(1,)]
