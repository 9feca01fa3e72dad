"""Avro files of any table, as other programs write them, are restored to PostgreSQL."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.tables import stored
from tests.backups.rows import counts
from tests.support.other_writers import WRITERS


@pytest.mark.parametrize("writer", WRITERS)
@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_is_restored_as_it_was_written(writer, data, database, restored, upload):
    table, found, write = data.draw(WRITERS[writer]())
    columns = ", ".join(
        f"{name} {column.postgres_type} not null" for name, column in stored.columns(table).items()
    )
    database.ask("drop table if exists offices")
    database.ask(f"create table offices ({columns}, primary key (id))")

    done = restored(table, upload(write()))

    assert counts(done) == ({"inserted": len(found)} if found else {})
    names = ", ".join(table.names)
    assert database.ask(f"select {names} from offices order by id") == sorted(found)
