"""The dashboard's cursors and limits: valid ones are parsed, all others are refused."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from shared.api import dashboard
from shared.dashboard.loads import Cursor
from shared.http.problems import Problem
from shared.http.routes import Context


def context_of(load_id="", **values):
    request = Request(EnvironBuilder(query_string=values).get_environ())
    return Context(request, {"load_id": load_id}, "ann")


@given(
    microseconds=st.integers(0, 10**16 - 1),
    load_id=st.uuids(),
)
def test_a_cursor_survives_the_round_trip(microseconds, load_id):
    started_at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    cursor = Cursor(started_at, load_id)

    assert Cursor.parse(str(cursor)) == cursor


def test_a_cursor_is_exact_to_the_microsecond():
    early = datetime(2026, 1, 1, tzinfo=UTC)
    late = early + timedelta(microseconds=1)

    assert str(Cursor(early, UUID(int=1))) != str(Cursor(late, UUID(int=1)))


@pytest.mark.parametrize("text", ["", "1", "-", "x-y", f"1-{'g' * 32}", f"{'9' * 17}-{'0' * 32}"])
def test_a_malformed_cursor_is_refused(text):
    with pytest.raises(Problem, match="next_cursor"):
        dashboard.list_loads(context_of(cursor=text))


@pytest.mark.parametrize("text", ["0", "201", "-1", "1.0", "x", "", "٣"])
def test_a_limit_out_of_range_is_refused(text):
    with pytest.raises(Problem, match="whole number from 1 to 200"):
        dashboard.list_loads(context_of(limit=text))


def test_a_load_id_must_be_a_uuid():
    with pytest.raises(Problem, match="UUID"):
        dashboard.load_state(context_of(load_id="7"))
