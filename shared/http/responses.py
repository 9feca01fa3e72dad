"""The responses of a route, as the OpenAPI document tells of them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from shared.http.descriptions import Answer, Schema
from shared.http.problems import MEDIA_TYPE, PREFIX
from shared.http.routes import PUBLIC, Route

REF = "#/components/schemas/{name}"

PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "The kind; never changes."},
        "title": {"type": "string", "description": "The kind in words."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and what to do about it."},
        "pointer": {"type": "string", "description": "Where in the body, as a JSON pointer."},
    },
    "required": ["type", "title", "status", "detail"],
}


def responses(route: Route) -> dict[str, Any]:
    """Every response of a route, by status."""
    found: dict[str, Any] = {}
    for answer in route.answers:
        entry = found.setdefault(str(answer.status), {"description": answer.description})
        if answer.headers:
            entry["headers"] = {
                name: {"description": sentence, "schema": {"type": "string"}}
                for name, sentence in answer.headers.items()
            }
        if answer.media_type:
            entry.setdefault("content", {})[answer.media_type] = _content(answer)
    for status, slugs in sorted(problems_of(route).items()):
        found[str(status)] = _problem(status, slugs)
    return found


def _content(answer: Answer) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"type": "string"}}
    if answer.schema is not None:
        content["schema"] = schema_of(answer.schema)
    if answer.example is not None:
        content["example"] = msgspec.to_builtins(answer.example)
    return content


def problems_of(route: Route) -> dict[int, tuple[str, ...]]:
    """Every slug a route can be answered with, by status."""
    found: dict[int, tuple[str, ...]] = {500: ("internal-error", "not-configured")}
    if route.scope != PUBLIC:
        found[401] = ("token-missing", "token-refused")
        found[403] = ("wrong-scope",)
        found[503] = ("try-again",)
    if route.scheduled:
        found[401] += ("push-refused",)
        found[403] += ("wrong-account",)
    if "<" in route.path:
        found[404] = ("unknown-path",)
    if route.body is not None:
        found[400] = ("not-json", "duplicate-key", "not-finite", "too-deep", "body-cut-off")
        found[400] += ("invalid-body",) if route.body.schema is not None else ()
        found[413] = ("body-too-large",)
        found[415] = ("unsupported-media-type", "unsupported-encoding")
    for status, slugs in route.problems.items():
        found[status] = tuple(dict.fromkeys((*found.get(status, ()), *slugs)))
    return found


def _problem(status: int, slugs: Sequence[str]) -> dict[str, Any]:
    kinds = [f"{PREFIX}{slug}" for slug in slugs]
    schema = {
        "allOf": [
            {"$ref": REF.format(name="Problem")},
            {"properties": {"type": {"enum": kinds}, "status": {"const": status}}},
        ]
    }
    words = ", ".join(slug.replace("-", " ") for slug in slugs)
    return {
        "description": f"{words[0].upper()}{words[1:]}.",
        "content": {MEDIA_TYPE: {"schema": schema}},
    }


def schema_of(schema: Schema) -> Any:
    """A schema, or a reference to the one that is derived from a struct."""
    if isinstance(schema, type):
        return {"$ref": REF.format(name=schema.__name__)}
    return dict(schema)
