"""The OpenAPI document is valid and complete, and its examples match its schemas."""

import json

import pytest
from jsonschema import Draft202012Validator
from marshmallow.validate import Length, OneOf, Range
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource

from shared import api, tables
from shared.api import api_docs
from shared.http import document
from shared.http.routes import PUSH
from shared.settings import SCOPES
from shared.tables import Integer, Row, Table, Text, Timestamp
from shared.validation import json_schema
from shared.validation.row import validate_row


@pytest.fixture(scope="module")
def built():
    return api_docs.build()


def operations(built):
    for path, item in built["paths"].items():
        for method, operation in item.items():
            yield f"{method} {path}", operation


def validator(built, schema):
    registry = Registry().with_resource(
        "urn:document",
        Resource.from_contents({**built, "$schema": Draft202012Validator.META_SCHEMA["$id"]}),
    )
    text = json.dumps(schema).replace("#/components", "urn:document#/components")
    return Draft202012Validator(
        json.loads(text), registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def test_it_is_a_valid_openapi_document(built):
    OpenAPIV31SpecValidator(built).validate()


def test_it_survives_json_serialization(built):
    assert json.loads(json.dumps(built)) == built


def test_every_documented_route_is_in_the_document(built):
    for function, routes in api.all_routes().items():
        for route in routes:
            path = document.path_of(function, route).replace("{table}", "jobs")
            is_in_document = route.method.lower() in built["paths"].get(path, {})
            assert is_in_document == (route.documented and route.scope != PUSH), path


def test_every_operation_is_fully_documented(built):
    ids = [operation["operationId"] for _, operation in operations(built)]
    assert len(ids) == len(set(ids))
    for name, operation in operations(built):
        assert operation["summary"], name
        assert "500" in operation["responses"], name
        assert any(status.startswith("2") for status in operation["responses"]), name
        for parameter in operation.get("parameters", ()):
            assert parameter["description"].endswith("."), name


def test_operations_need_a_token_of_their_scope_unless_public(built):
    for name, operation in operations(built):
        if operation["tags"] == ["api_docs"]:
            assert "security" not in operation
            continue
        (token, bearer) = operation["security"]
        assert token["X-Token"] == bearer["Bearer"], name
        assert set(token["X-Token"]) <= set(SCOPES), name
        assert {"401", "403", "503"} <= set(operation["responses"]), name


def test_examples_match_their_schemas(built):
    checked = 0
    for name, operation in operations(built):
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        for part in (*bodies, *operation["responses"].values()):
            for media_type, content in part.get("content", {}).items():
                examples = [e["value"] for e in content.get("examples", {}).values()]
                examples += [content["example"]] if "example" in content else []
                for example in examples:
                    assert media_type == "application/json", name
                    validator(built, content["schema"]).validate(example)
                    checked += 1
    assert checked > 8


@pytest.mark.parametrize("table", tables.all_tables().values(), ids=lambda table: table.name)
def test_a_tables_example_is_a_valid_row_and_matches_its_schema(built, table):
    example = json_schema.example(table)

    assert isinstance(validate_row(table, example), dict)
    validator(built, built["components"]["schemas"][table.name]).validate(example)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 0),
        ("id", 2**63),
        ("id", "1"),
        ("id", 1.5),
        ("id", None),
        ("name", ""),
        ("name", "  "),
        ("name", "x" * 1001),
        ("name", "a\x00b"),
        ("datetime", "2021-07-27 16:02:08Z"),
        ("datetime", "2021-07-27t16:02:08z"),
        ("datetime", "2021-07-27T16:02:08"),
        ("extra", 1),
    ],
)
def test_a_row_that_validation_rejects_does_not_match_the_schema(built, field, value):
    table = tables.find("hired_employees")
    row = {**json_schema.example(table), field: value}

    assert isinstance(validate_row(table, row), tuple)
    assert not validator(built, built["components"]["schemas"]["hired_employees"]).is_valid(row)


def test_limits_that_a_field_narrows_are_in_the_schema_and_none_gets_wider():
    class Room(Row):
        """A room of a small house."""

        id = Integer(minimum=1, validate=Range(min=10, max=20))
        floor = Integer(minimum=1, validate=Range(min=-5))
        name = Text(validate=Length(min=2, max=5))
        owner = Text(validate=Length(max=5000))
        door = Text(validate=OneOf(["left", "right"]))

    found = json_schema.schema(Table("rooms", Room))
    good = {"id": 10, "floor": 1, "name": "Hall", "owner": "x", "door": "left"}

    schema = Draft202012Validator({**found, "examples": []})
    assert schema.is_valid(good)
    assert schema.is_valid({**good, "id": 20, "name": "No"})
    for field, value in [
        ("id", 9),
        ("id", 21),
        ("floor", 0),
        ("name", "x"),
        ("name", "Office"),
        ("owner", ""),
        ("owner", "x" * 1001),
        ("door", "middle"),
    ]:
        row = {**good, field: value}
        assert isinstance(validate_row(Table("rooms", Room), row), tuple)
        assert not schema.is_valid(row), row


def test_a_table_added_to_the_dictionary_is_in_the_document():
    class Office(Row):
        """A place people work at."""

        id = Integer(minimum=1, description="Id")
        city = Text(description="City", max_length=80)
        opened = Timestamp(description="Since when")

    found = api_docs.build({"offices": Table("offices", Office)})

    assert "/insert_rows/offices" in found["paths"]
    assert found["components"]["schemas"]["offices"]["properties"]["city"]["maxLength"] == 80
    assert found["components"]["schemas"]["offices"]["required"] == ["id", "city", "opened"]
    OpenAPIV31SpecValidator(found).validate()
