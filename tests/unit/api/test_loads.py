"""Cursors, limits, filters and ids of loads: valid ones are parsed, all others are refused."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from shared.api import dashboard, loads
from shared.http import queries
from shared.http.problems import Problem
from shared.http.routes import Context
from shared.loading.entries import Cursor


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
        loads.list_loads(context_of(cursor=text))


@pytest.mark.parametrize("text", ["0", "201", "-1", "1.0", "x", "", "٣"])
def test_a_limit_out_of_range_is_refused(text):
    with pytest.raises(Problem, match="whole number from 1 to 200"):
        loads.list_loads(context_of(limit=text))


@pytest.mark.parametrize("find", [dashboard.load_state, loads.find_load])
def test_a_load_id_must_be_a_uuid(find):
    with pytest.raises(Problem, match="UUID"):
        find(context_of(load_id="7"))


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("state", "finished", "is one of loading, done, failed"),
        ("kind", "mail", "is one of file, batch, replay, restore"),
        ("sender", "a\x00b", "NUL"),
        ("since", "yesterday", "is a moment such as"),
        ("since", "0001-01-01T00:00:00+10:00", "is a moment such as"),
    ],
)
def test_a_filter_that_fits_no_load_is_refused(name, text, rule):
    with pytest.raises(Problem, match=rule):
        loads.list_loads(context_of(**{name: text}))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05+02:00", datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05 02:00", datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)),
    ],
)
def test_a_moment_without_an_offset_is_utc_and_an_unescaped_plus_sign_is_read(text, moment):
    assert queries.moment("since", text) == moment
