"""Fills the examples of the OpenAPI document with the tables of the dictionary."""

from collections.abc import Mapping
from typing import Any

from shared.api import examples
from shared.metrics.metric import Metric
from shared.tables import stored
from shared.tables.table import Table
from shared.validation import json_schema


def fill(
    document: dict[str, Any], tables: Mapping[str, Table], metrics: Mapping[str, Metric]
) -> dict[str, Any]:
    """Return JSON values in which the examples are of these tables."""
    if not tables:
        return document
    parents = [table for table in tables.values() if not table.references]
    first, last = (parents or list(tables.values()))[-1], list(tables.values())[-1]
    row = json_schema.example(last)
    field = _field(last)
    words = {
        examples.TABLE: first.name,
        examples.KEY: stored.key(first)[0],
        examples.COLUMN: _field(first),
        examples.LAST_TABLE: last.name,
        examples.FIELD: field,
        "{view}": list(metrics)[-1] if metrics else "load_history",
    }
    cells = {name: "" if value is None else str(value) for name, value in row.items()}
    raw = {**cells, field: ""}
    found: dict[str, Any] = _examples(document, words, {"{row}": row, "{raw}": raw})
    return found


def _field(table: Table) -> str:
    return next((name for name in table.names if name not in table.key), table.names[0])


def _examples(value: Any, words: Mapping[str, str], rows: Mapping[str, Any]) -> Any:
    """Fill the members of a document that are examples."""
    if isinstance(value, list):
        return [_examples(one, words, rows) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: (_filled if name in ("example", "examples") else _examples)(one, words, rows)
        for name, one in value.items()
    }


def _filled(value: Any, words: Mapping[str, str], rows: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        for word, name in words.items():
            value = value.replace(word, name)
        return value
    if isinstance(value, list):
        return [_filled(one, words, rows) for one in value]
    if not isinstance(value, dict):
        return value
    for mark, row in rows.items():
        if mark in value:
            return row
    return {_filled(k, words, rows): _filled(one, words, rows) for k, one in value.items()}
