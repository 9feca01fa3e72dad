"""Query and path parameters: valid ones are parsed, all others are refused with what is valid."""

from uuid import UUID

import pytest

from shared.http import queries
from shared.http.problems import Problem
from shared.http.responses import json_response
from shared.http.routes import PUBLIC, Parameter, Route
from tests.support.problems import assert_problem
from tests.unit.http.conftest import ROWS

LARGEST = 2**63 - 1


@pytest.mark.parametrize(
    ("text", "largest", "number"),
    [
        ("1", 1, 1),
        ("7", 200, 7),
        ("007", 200, 7),
        ("200", 200, 200),
        (str(LARGEST), LARGEST, LARGEST),
    ],
)
def test_a_whole_number_from_one_to_the_largest_is_parsed(text, largest, number):
    assert queries.whole_number("limit", text, largest) == number


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "00", "201", "-1", "+1", "1.0", "1e1", " 1", "1_0", "x", "٣", "²"),
        # int() itself raises an error at this many digits.
        "9" * 5000,
    ],
)
def test_anything_else_is_400_and_says_what_is_valid(text):
    with pytest.raises(Problem, match="'limit' is a whole number from 1 to 200") as caught:
        queries.whole_number("limit", text, 200)

    assert (caught.value.status, caught.value.slug) == (400, "unusable-parameter")
    assert caught.value.members == {"parameter": "limit"}


def test_a_number_one_beyond_the_largest_is_refused():
    with pytest.raises(Problem):
        queries.whole_number("cursor", str(LARGEST + 1), LARGEST)


def test_a_uuid_is_parsed():
    assert queries.uuid("load_id", str(UUID(int=7))) == UUID(int=7)


@pytest.mark.parametrize("text", ["", "7", "g" * 32, f"{UUID(int=7)}0"])
def test_what_is_not_a_uuid_is_400(text):
    with pytest.raises(Problem, match="'load_id' is a UUID") as caught:
        queries.uuid("load_id", text)

    assert caught.value.status == 400
    assert caught.value.members == {"parameter": "load_id"}


def test_a_long_name_is_not_repeated_in_full():
    found = queries.unusable("x" * 10_000, "is not a filter")

    assert len(str(found)) < 200
    assert len(found.members["parameter"]) < 200


def asked(client_of, query):
    route = Route(
        "GET",
        "/",
        lambda _: json_response({}),
        scope="rows",
        parameters=(
            Parameter("year", "query", "The year."),
            Parameter("limit", "query", "How many."),
            Parameter("Prefer", "header", "How long."),
        ),
    )
    return client_of(route).get(f"/?{query}", headers={"X-Token": ROWS})


@pytest.mark.parametrize("query", ["", "year=2021", "limit=1&year=2021", "year="])
def test_known_parameters_are_accepted(client_of, query):
    assert asked(client_of, query).status_code == 200


@pytest.mark.parametrize(
    ("query", "name", "why"),
    [
        ("yaer=2022", "yaer", "the parameters are year, limit"),
        ("year=2021&Year=2022", "Year", "the parameters are year, limit"),
        ("Prefer=wait", "Prefer", "the parameters are year, limit"),
        ("year=2021&year=2022", "year", "send it once"),
        ("year=2021&year=2021", "year", "send it once"),
        ("=1", "", "the parameters are"),
    ],
)
def test_an_unknown_or_doubled_parameter_is_400(client_of, query, name, why):
    problem = assert_problem(asked(client_of, query), 400, "unusable-parameter")

    assert problem["parameter"] == name
    assert why in problem["detail"]


def test_a_route_without_parameters_takes_none(client_of):
    route = Route("GET", "/", lambda _: json_response({}), scope="rows")

    answer = client_of(route).get("/?a=1", headers={"X-Token": ROWS})

    assert "takes none" in assert_problem(answer, 400, "unusable-parameter")["detail"]


def test_a_page_and_a_push_may_have_any(client_of):
    route = Route("GET", "/", lambda _: json_response({}), scope=PUBLIC)

    assert client_of(route).get("/?utm_source=mail").status_code == 200
