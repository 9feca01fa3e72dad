"""Every kind of field travels in bulk, NULLs included, and arrives as it does row by row."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.avro import binary, forms, postgres, table_rows
from shared.avro import rows as avro_rows
from shared.avro.checksum import Checksum
from shared.avro.columns import Binaries
from shared.avro.schemas import of_table
from shared.database.copy import copy_in
from shared.database.engine import transaction
from shared.database.migrate import migrate
from shared.errors import ConfigurationError
from shared.tables import Decimal, Integer, Row, Table, stored
from tests.support.every_kind import SAMPLES
from tests.support.every_system import added, load_json, texts


@st.composite
def tables_with_rows(draw):
    """A table with a required and an optional field of each kind, and rows as JSON texts."""
    members, values = {"id": Integer()}, {}
    for place, sample in enumerate(SAMPLES):
        options = draw(sample.options)
        found = sample.values(**options)
        for name, optional in ((f"f{place}", False), (f"optional{place}", True)):
            members[name] = sample.kind(**options, optional=optional)
            values[name] = (sample, st.one_of(st.none(), found) if optional else found)
    rows = []
    for key in range(draw(st.integers(1, 5))):
        row = {"id": str(key)}
        for name, (sample, strategy) in values.items():
            value = draw(strategy)
            row[name] = None if value is None else draw(st.sampled_from(sample.spellings(value)[1]))
        rows.append(row)
    return Table("everything", type("Everything", (Row,), members)), rows


def received(connection, table, send=table_rows.send):
    """The rows of a table as one chunk."""
    found = []
    selection = table_rows.Selection(table.name, stored.columns(table))
    rows = send(connection, selection, found.append)
    (sent,) = found
    return rows, sent.chunk()


@pytest.mark.usefixtures("engine")
@given(tables_with_rows())
@settings(
    max_examples=15,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_in_bulk_and_row_by_row_are_the_same(engine, described):
    table, rows = described
    columns, schema = stored.columns(table), of_table(table)
    with transaction(engine) as connection:
        # A failing example is tried again.
        connection.exec_driver_sql("drop table if exists everything")
    with added(table):
        migrate(engine)
        assert load_json(engine, table, rows).inserted == len(rows)
        before = texts(engine, table)
        with transaction(engine) as connection:
            is_bulk = postgres.is_bulk(columns)
            _, slow = received(connection, table, table_rows._send_one_by_one)
            count, quick = received(connection, table)
        assert count == len(rows)
        assert quick.is_plain is is_bulk
        assert in_order(quick) == in_order(slow)
        if is_bulk:
            assert bytes(binary.encode(quick).data) == bytes(
                avro_rows.encode_one_by_one(schema, quick).data
            )
            assert checksum(schema, quick) == checksum(schema, slow)
        for form in (postgres.to_copy, postgres.to_copy_text):
            comes_back(engine, table, quick, form)
            assert texts(engine, table) == before
        with transaction(engine) as connection:
            connection.exec_driver_sql("drop table everything")


def in_order(chunk):
    return sorted(map(repr, chunk.records()))


def checksum(schema, chunk):
    found = Checksum(schema.by_field)
    found.add(chunk)
    return found.hexadecimal


def comes_back(engine, table, chunk, form):
    """Replace the rows of the table by those of a chunk, if the form can write them."""
    columns = stored.columns(table)
    assert postgres.can_copy(chunk, columns) is chunk.is_plain
    if form is postgres.to_copy and not chunk.is_plain:
        return
    how = "(format binary)" if form is postgres.to_copy else "(null '')"
    with transaction(engine) as connection:
        connection.exec_driver_sql("create temporary table back (like everything) on commit drop")
        copy_in(connection, f"copy back from stdin {how}", (form(chunk, columns),))
        changes = ", ".join(f"{name} = back.{name}" for name in columns)
        connection.exec_driver_sql(
            f"update everything set {changes} from back where back.id = everything.id"
        )


def test_a_null_in_a_required_field_is_refused_in_bulk_too(engine):
    class Thing(Row):
        """A thing."""

        id = Integer()
        size = Integer()

    table = Table("things", Thing)
    with added(table), engine.begin() as connection:
        connection.exec_driver_sql(
            "create table things (id bigint, size bigint, accepted_at timestamptz, load_id uuid)"
        )
        connection.exec_driver_sql(
            "insert into things select n, nullif(n, 2), now(), gen_random_uuid()"
            " from generate_series(1, 3) n"
        )
        with pytest.raises(ConfigurationError, match="no value of a required field"):
            received(connection, table)
        connection.exec_driver_sql("drop table things")


def test_a_number_of_more_digits_than_bulk_writes_is_copied_as_text():
    price = Decimal(digits=18, places=2)
    for number, fits in ((10**18 - 1, True), (-(10**18) + 1, True), (10**18, False)):
        for signed in (number, -number):
            column = Binaries.of([signed.to_bytes(8, "big", signed=True)])
            assert forms.fits(price.bulk, column) is fits
    assert not forms.fits(price.bulk, Binaries.of([bytes(9)]))
    assert not forms.fits(price.bulk, Binaries.of([(-(2**63)).to_bytes(8, "big", signed=True)]))
