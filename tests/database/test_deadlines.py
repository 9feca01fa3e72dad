"""Transactions within a deadline end in time, here and in the server."""

import pytest
import sqlalchemy as sa

from shared import deadlines
from shared.database.engine import transaction
from shared.errors import DatabaseBusy, DatabaseUnavailable


def test_a_slow_statement_is_ended_by_the_server(engine):
    with deadlines.within(1), pytest.raises(DatabaseBusy), transaction(engine) as connection:
        connection.execute(sa.text("select pg_sleep(60)"))

    with transaction(engine) as connection:
        sleeping = "select count(*) from pg_stat_activity where query like 'select pg_sleep%'"
        assert connection.scalar(sa.text(f"{sleeping} and state = 'active'")) == 0


def test_a_transaction_without_a_deadline_has_no_limit_on_a_connection_that_had_one(engine):
    with deadlines.within(1), transaction(engine) as connection:
        first = connection.scalar(sa.text("select pg_backend_pid()"))
        assert connection.scalar(sa.text("show statement_timeout")) != "0"

    with transaction(engine) as connection:
        assert connection.scalar(sa.text("select pg_backend_pid()")) == first
        assert connection.scalar(sa.text("show statement_timeout")) == "0"
        # Longer than the deadline of before.
        connection.execute(sa.text("select pg_sleep(1.2)"))


def test_a_connection_that_did_not_answer_in_time_is_not_used_again(engine, stand_ins):
    with transaction(engine) as connection:
        before = connection.scalar(sa.text("select pg_backend_pid()"))
    with (
        deadlines.within(0.5),
        pytest.raises(DatabaseUnavailable),
        transaction(engine) as stopped,
        stand_ins.frozen("postgres"),
    ):
        stopped.execute(sa.text("select 1"))

    with transaction(engine) as connection:
        assert connection.scalar(sa.text("select 2")) == 2
        assert connection.scalar(sa.text("select pg_backend_pid()")) != before
