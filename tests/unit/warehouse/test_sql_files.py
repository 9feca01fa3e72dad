"""The SQL files: each parses, holds one statement, and fits the dictionary."""

import re

import pytest
import sqlglot
from sqlglot import exp

from shared import tables
from shared.metrics import all_metrics
from shared.metrics.parameters import YEAR
from shared.tables import Decimal
from shared.tables.kinds import KINDS
from shared.warehouse import merge_sql
from shared.warehouse.apply import create_table_sql
from shared.warehouse.checksums import bigquery_side, postgres_side
from shared.warehouse.names import SQL, Names
from shared.warehouse.star import projections

NAMES = Names("a-project", "a_dataset", "reports")
SHARED = SQL.parents[1]
METRICS = sorted((SHARED / "metrics").glob("*.sql"))
FILES = [*sorted(SQL.rglob("*.sql")), *METRICS]
VIEWS = [*SQL.glob("views/*.sql"), *(path for path in METRICS if path.match("*.view.sql"))]
OBJECTS = sorted([*SQL.glob("tables/*.sql"), *VIEWS])
# What may be unknown. A report may rely on every other column.
NULLABLE = {
    "loads": {"sender", "table_name", "error_code"},
    "sync_state": {"checked_at", "columns"},
}


def name_of(path):
    """What a file is named after, without `.view`."""
    return path.name.partition(".")[0]


def parsed(text, dialect="bigquery"):
    return [s for s in sqlglot.parse(text, dialect=dialect) if s is not None]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SHARED)))
def test_every_file_is_one_statement_of_its_database(path):
    dialect = "postgres" if path.parent.name == "ledger" else "bigquery"

    statements = parsed(path.read_text(), dialect)

    assert len(statements) == 1
    assert not statements[0].find(exp.Command), "sqlglot could not read it"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SHARED)))
def test_every_file_starts_with_a_comment_and_no_comment_names_a_parameter(path):
    lines = path.read_text().splitlines()

    assert lines[0].startswith("-- ")
    # The BigQuery stand-in counts a parameter in a comment as a parameter of the statement.
    assert not [line for line in lines if line.strip().startswith("--") and "@" in line]


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: path.stem)
def test_a_file_creates_the_object_it_is_named_after(path):
    created = parsed(path.read_text())[0]

    assert isinstance(created, exp.Create)
    assert created.find(exp.Table).name.split(".")[-1] == name_of(path)
    assert created.args["exists"] or created.args["replace"], "it can be run again"


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: path.stem)
def test_every_object_is_in_one_of_our_datasets(path):
    text = NAMES.resolved(path.read_text())

    assert "`warehouse." not in text
    assert "`reporting." not in text
    folder = "reports" if path in VIEWS else "a_dataset"
    assert f"`a-project.{folder}.{name_of(path)}`" in text


@pytest.mark.parametrize("path", sorted(SQL.glob("tables/*.sql")), ids=lambda path: path.stem)
def test_a_column_is_null_only_if_it_may_be_unknown(path):
    created = parsed(path.read_text())[0]

    columns = [c for c in created.find_all(exp.ColumnDef) if not _is_required(c)]

    assert {column.name for column in columns} == NULLABLE.get(path.stem, set())


def _is_required(column):
    kinds = [one.kind for one in column.constraints]
    return any(
        isinstance(kind, exp.NotNullColumnConstraint) and not kind.args.get("allow_null")
        for kind in kinds
    )


@pytest.mark.parametrize(
    "path", ["warehouse/sql/tables/dim_dates.sql", "metrics/hires_by_quarter.view.sql"]
)
def test_a_description_names_the_years_of_the_metrics(path):
    created = parsed((SHARED / path).read_text())[0]

    described = created.args["properties"].sql("bigquery")

    assert re.findall("[0-9]+", described) == [str(YEAR.minimum), str(YEAR.maximum)]


@pytest.mark.parametrize("projection", projections(), ids=lambda p: p.target)
def test_a_table_of_the_dictionary_has_all_columns_of_its_rows_and_no_nulls(projection):
    created = parsed(create_table_sql(NAMES, projection))[0]
    there = {c.name: c.args["kind"].sql("bigquery") for c in created.find_all(exp.ColumnDef)}

    wanted = {column.name: column.type for column in projection.projected}

    assert {name: there.get(name) for name in wanted} == wanted
    assert set(there) - set(wanted) == set(projection.derived)
    assert list(projection.selection) == [*wanted, *projection.derived]
    assert all(map(_is_required, created.find_all(exp.ColumnDef)))


@pytest.mark.parametrize("name", ["hires_by_quarter", "departments_above_mean"])
def test_a_metric_reads_a_range_of_the_partitioning_column(name):
    query = parsed(all_metrics()[name].sql)[0]

    ranges = [found for found in query.find_all(exp.Between) if found.this.name == "hired_on"]

    assert len(ranges) == 1


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("projection", projections(), ids=lambda p: p.target)
def test_composed_statements_parse_as_bigquery_sql(projection, whole):
    merged = parsed(merge_sql.merge(NAMES, projection, "staging_x", whole=whole))
    counted = parsed(merge_sql.staged_counts(NAMES, projection, "staging_x"))

    assert isinstance(merged[0], exp.Merge)
    assert isinstance(counted[0], exp.Select)


@pytest.mark.parametrize("projection", projections(), ids=lambda p: p.target)
def test_a_replacement_is_one_transaction(projection):
    texts = (bigquery_side(projection, NAMES).among_these(2, ["0a", "ff"]), "true")
    for condition in texts:
        statements = parsed(merge_sql.replacement(NAMES, projection, "staging_x", condition))

        kinds = [exp.Transaction, exp.Delete, exp.Insert, exp.Commit]
        assert [type(one) for one in statements] == kinds


@pytest.mark.parametrize("projection", projections(), ids=lambda p: p.target)
def test_checksums_have_the_same_cells_in_both_databases(projection):
    for side, dialect in (
        (postgres_side(projection), "postgres"),
        (bigquery_side(projection, NAMES), "bigquery"),
    ):
        for text in (side.buckets(2, 0), side.buckets(4, 2), side.rows(2)):
            assert isinstance(parsed(text, dialect)[0], exp.Select)
    assert list(postgres_side(projection).cells) == list(bigquery_side(projection, NAMES).cells)


def test_buckets_accept_only_hexadecimal_digits():
    side = postgres_side(projections()[0])

    assert side.among_these(2, ["0a", "ff"]).endswith(" in ('0a', 'ff')")
    with pytest.raises(ValueError, match="invalid literal"):
        side.among_these(2, ["x'"])


def test_every_kind_of_field_is_exported_in_bulk():
    assert all(kind.sample().bulk is not None for kind in KINDS.values())
    # More than 64 bits hold.
    assert Decimal(digits=19, places=2).bulk is None


def test_parents_come_before_their_children():
    order = [projection.table.name for projection in projections()]

    for table in tables.all_tables().values():
        for reference in table.references:
            assert order.index(reference.table) < order.index(table.name)
