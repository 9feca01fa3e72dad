"""Routes are documented as callers see them: paths, parameters, bodies, responses, problems."""

from typing import Any

import msgspec
import pytest

from shared.http import document
from shared.http.responses import json_response
from shared.http.routes import PUBLIC, PUSH, Body, Parameter, ResponseSpec, Route

REQUEST_ID = {"Request-Id": {"$ref": "#/components/headers/Request-Id"}}


class Box(msgspec.Struct):
    size: int


class Shelf(msgspec.Struct):
    boxes: list[Box]


def route(method: str = "GET", path: str = "/", scope: str = "rows", **more: Any) -> Route:
    return Route(method, path, lambda _: json_response({}), scope=scope, **more)


def operation_of(found: Route) -> dict[str, Any]:
    (item,) = document.build({}, {"things": [found]}, {})["paths"].values()
    (operation,) = item.values()
    return dict(operation)


def problems_of(found: Route) -> dict[str, set[str]]:
    return {
        status: {kind.rpartition(":")[2] for kind in response[document.PROBLEM_TYPES]}
        for status, response in operation_of(found)["responses"].items()
        if "application/problem+json" in response.get("content", {})
    }


@pytest.mark.parametrize(
    ("path", "at_root", "documented"),
    [
        ("/", False, "/things"),
        ("/<table>", False, "/things/{table}"),
        ("/<a>/<uuid:b>", False, "/things/{a}/{b}"),
        ("/<uuid:batch_id>", True, "/{batch_id}"),
        ("/openapi.json", True, "/openapi.json"),
    ],
)
def test_a_path_has_placeholders_in_braces_and_the_functions_name_before_it(
    path, at_root, documented
):
    assert document.path_of("things", route(path=path, at_root=at_root)) == documented


def test_only_documented_routes_that_callers_may_use_are_in_the_document():
    built = document.build(
        {"openapi": "3.1.0"},
        {
            "things": [
                route(),
                route("DELETE"),
                route("POST", documented=False),
                route("PUT", scope=PUSH),
            ],
            "inside": [route(documented=False)],
        },
        {"row": {"type": "object"}},
    )

    assert built["openapi"] == "3.1.0"
    assert {path: set(item) for path, item in built["paths"].items()} == {
        "/things": {"get", "delete"}
    }
    assert built["tags"] == [{"name": "things"}]
    assert set(built["components"]["schemas"]) == {
        *("row", "ProblemDetails", "RejectedRow", "BrokenReference")
    }


def test_an_operation_says_no_more_than_its_route():
    found = operation_of(route(summary="Lists things"))

    assert found.keys() == {"operationId", "tags", "summary", "responses", "security"}
    assert (found["operationId"], found["summary"]) == ("get_things", "Lists things")
    assert operation_of(route(description="All."))["description"] == "All."


def test_a_route_of_a_scope_needs_a_token_of_it_and_a_public_one_none():
    assert operation_of(route())["security"] == [{"X-Token": ["rows"]}, {"Bearer": ["rows"]}]
    assert "security" not in operation_of(route(scope=PUBLIC))


def test_a_parameter_in_the_path_is_required_and_others_where_they_say_so():
    found = operation_of(
        route(
            path="/<table>",
            parameters=[
                Parameter("table", "path", "The table.", example="jobs"),
                Parameter("year", "query", "The year.", {"type": "integer"}, required=True),
                Parameter("Prefer", "header", "How."),
            ],
        )
    )

    assert found["parameters"] == [
        {
            "name": "table",
            "in": "path",
            "description": "The table.",
            "required": True,
            "schema": {"type": "string"},
            "example": "jobs",
        },
        {
            "name": "year",
            "in": "query",
            "description": "The year.",
            "required": True,
            "schema": {"type": "integer"},
        },
        {
            "name": "Prefer",
            "in": "header",
            "description": "How.",
            "required": False,
            "schema": {"type": "string"},
        },
    ]


def test_a_body_and_a_response_refer_to_the_schemas_of_their_structs():
    made = route(
        "POST",
        body=Body("What to keep.", Shelf, {"one": Shelf([Box(1)])}),
        responses=[ResponseSpec(201, "Kept.", Box, Box(2), headers={"ETag": "Its version."})],
    )

    found = operation_of(made)
    schemas = document.build({}, {"things": [made]}, {})["components"]["schemas"]

    assert found["requestBody"] == {
        "description": "What to keep.",
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Shelf"},
                "examples": {"one": {"value": {"boxes": [{"size": 1}]}}},
            }
        },
    }
    assert found["responses"]["201"] == {
        "description": "Kept.",
        "headers": {
            **REQUEST_ID,
            "ETag": {"description": "Its version.", "schema": {"type": "string"}},
        },
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Box"},
                "example": {"size": 2},
            }
        },
    }
    assert schemas["Shelf"]["properties"]["boxes"]["items"] == {"$ref": "#/components/schemas/Box"}
    assert schemas["Box"]["properties"] == {"size": {"type": "integer"}}


def test_a_schema_that_is_written_out_stays_as_it_is():
    found = operation_of(route("POST", body=Body("Any.", {"type": "array"}, required=False)))

    assert found["requestBody"] == {
        "description": "Any.",
        "required": False,
        "content": {"application/json": {"schema": {"type": "array"}}},
    }


def test_a_response_may_have_several_media_types_or_none():
    found = operation_of(
        route(
            responses=[
                ResponseSpec(200, "The table.", {"type": "object"}),
                ResponseSpec(200, "The table.", media_type="text/csv", example="id\r\n"),
                ResponseSpec(304, "Unchanged.", media_type=""),
            ]
        )
    )["responses"]

    assert found["200"] == {
        "description": "The table.",
        "headers": REQUEST_ID,
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "text/csv": {"schema": {"type": "string"}, "example": "id\r\n"},
        },
    }
    assert found["304"] == {"description": "Unchanged.", "headers": REQUEST_ID}


INTERNAL = {
    "405": {"method-not-allowed"},
    "500": {"internal-error", "not-configured"},
    "502": {"answer-lost"},
    "503": {"try-again"},
}
GUARDED = {
    **INTERNAL,
    "400": {"unusable-parameter"},
    "401": {"token-missing", "token-refused"},
    "403": {"wrong-scope"},
    "429": {"too-many-wrong-tokens"},
}
STRICT = {
    "unusable-parameter",
    "not-json",
    "duplicate-key",
    "not-finite",
    "too-deep",
    "body-cut-off",
}
WITH_BODY = {
    **GUARDED,
    "400": STRICT,
    "408": {"body-too-slow"},
    "413": {"body-too-large"},
    "415": {"unsupported-media-type", "unsupported-encoding"},
}


@pytest.mark.parametrize(
    ("found", "problems"),
    [
        (route(scope=PUBLIC), INTERNAL),
        (route(), GUARDED),
        (route(path="/<table>"), {**GUARDED, "404": {"unknown-path"}}),
        (
            route(scheduled=True),
            {
                **GUARDED,
                "401": {*GUARDED["401"], "push-refused"},
                "403": {*GUARDED["403"], "wrong-account"},
            },
        ),
        (route("POST", body=Body("Any.", {"type": "array"})), WITH_BODY),
        (
            route("POST", body=Body("A file.", {"type": "string"}, is_file=True)),
            {**WITH_BODY, "400": {"unusable-parameter", "body-cut-off"}},
        ),
        (
            route("POST", body=Body("A box.", Box)),
            {**WITH_BODY, "400": {*STRICT, "invalid-body"}},
        ),
        (
            route(path="/<table>", problems={404: ("unknown-path", "unknown-table"), 409: ("x",)}),
            {**GUARDED, "404": {"unknown-path", "unknown-table"}, "409": {"x"}},
        ),
    ],
)
def test_every_problem_that_a_route_can_answer_with_is_listed_by_status(found, problems):
    assert problems_of(found) == problems


def test_a_problem_is_described_in_words():
    found = operation_of(route(problems={409: ("would-orphan", "not-newest")}))

    assert found["responses"]["409"]["description"] == "Would orphan, not newest."


def test_a_problem_refers_to_the_one_schema_of_problems_and_lists_its_kinds():
    found = operation_of(route())["responses"]["401"]

    assert found["content"] == {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
    }
    assert found["x-problem-types"] == [
        "urn:tablegate:problem:token-missing",
        "urn:tablegate:problem:token-refused",
    ]
    assert found["headers"].keys() == {"Request-Id", "WWW-Authenticate"}


def test_a_file_is_sent_as_bytes():
    found = operation_of(route("POST", body=Body("A file.", {"type": "string"}, is_file=True)))

    assert found["requestBody"]["content"].keys() == {"application/octet-stream"}
