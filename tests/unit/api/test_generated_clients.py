"""Generated clients read every documented answer, and every problem raised is documented."""

import ast
import importlib
import json

import httpx
import pytest

from shared.http.document import PROBLEM_TYPES
from shared.http.problems import MEDIA_TYPE as PROBLEM
from shared.http.problems import PREFIX, Problem
from tests.support.checkout import ROOT

MEMBERS = {
    "pointer": "/rows/0",
    "parameter": "limit",
    "tables": ["jobs"],
    "limit_bytes": 10,
    "batch_id": "7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10",
    "accepted": 0,
    "rejected_count": 1,
    "rejected": [{"index": 0, "errors": {"job": ["Must not be blank; give a text."]}}],
    "backup": "5f3a9c1e7b20",
    "broken": [
        {"table": "h", "field": "job_id", "parent": "jobs", "count": 1, "examples": [{"id": 1}]}
    ],
    "differs": ["rows"],
    "found": "a negative size",
    "missing": ["job"],
    "wrong": ["id"],
    "count": 1,
    "examples": [{"key": {"id": 1}, "errors": {"job": ["Must not be blank."]}}],
}
# Only Pub/Sub gets this one.
OF_PUSHES = {(400, "not-a-push")}


def problems(operation):
    for status, response in operation["responses"].items():
        for kind in response.get(PROBLEM_TYPES, ()):
            yield int(status), kind.removeprefix(PREFIX)


def raised(*files):
    """Status and slug of each problem that is written out in a file."""
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Problem", "problem"):
                slugs = [*node.args[1:2], *(k.value for k in node.keywords if k.arg == "slug")]
                given = [one.value for one in (*node.args[:1], slugs[-1]) if is_constant(one)]
                if len(given) == 2:
                    yield tuple(given)


def is_constant(node):
    return isinstance(node, ast.Constant)


def answer(status, content, media_type="application/json", headers=()):
    ids = dict.fromkeys(headers, "x")
    return httpx.Response(status, content=content, headers={**ids, "Content-Type": media_type})


def test_no_answer_and_no_operation_is_left_out(generated):
    assert generated.complaints == []
    for operation in generated.operations():
        assert generated.module(operation["operationId"]).sync_detailed


def test_a_class_has_the_name_of_its_schema(generated):
    models = importlib.import_module(f"{generated.client.__name__}.models")
    for name, schema in generated.document["components"]["schemas"].items():
        class_name = "".join(word[0].upper() + word[1:] for word in name.split("_"))
        made = getattr(generated.models, class_name)
        assert set(made.model_fields) == set(schema["properties"]), name
        assert hasattr(models, class_name), name


def test_every_problem_that_is_documented_is_read_with_all_its_members(generated):
    count = 0
    for operation in generated.operations():
        for status, slug in problems(operation):
            made = Problem(status, slug, "What is wrong.", **MEMBERS).response()
            headers = operation["responses"][str(status)]["headers"]
            given = answer(status, made.get_data(), PROBLEM, headers)

            parsed = generated.read(operation["operationId"], given)

            assert (parsed.type_, parsed.status) == (f"{PREFIX}{slug}", status)
            assert parsed.rejected[0].errors.additional_properties["job"]
            count += 1
    assert count > 200


def test_every_example_is_read(generated):
    count = 0
    for operation in generated.operations():
        for status, response in operation["responses"].items():
            for content in response.get("content", {}).values():
                if "example" in content:
                    text = json.dumps(content["example"])
                    given = answer(int(status), text, headers=response["headers"])
                    assert generated.read(operation["operationId"], given) is not None
                    count += 1
    assert count > 15


def test_every_problem_that_is_raised_is_documented(generated):
    documented = {found for operation in generated.operations() for found in problems(operation)}

    written = set(raised(*(ROOT / "shared").rglob("*.py"), ROOT / "infra/local/gateway.py"))

    assert len(written) > 25
    assert written - documented == OF_PUSHES


@pytest.mark.parametrize("status", ["405", "500", "502", "503"])
def test_answers_that_any_call_may_get_are_documented_with_all(generated, status):
    for operation in generated.operations():
        assert status in operation["responses"], operation["operationId"]
