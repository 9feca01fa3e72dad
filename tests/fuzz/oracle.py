"""Compares the gates with the rules as tests/support/rules.py has them, row by row."""

from collections.abc import Sequence
from typing import Any

from shared.tables import Table
from shared.validation import reasons
from shared.validation.row import Reject
from tests.support import rules
from tests.support.rules import Wrong

_SHAPE_CODES = {"too_few_fields", "too_many_fields", "bad_quoting", "row_too_long", "not_utf8"}


def copied(table: Table, values: Sequence[Any]) -> list[str]:
    """The values of a row as COPY text."""
    fields = table.fields.values()
    return [field.copy_text(value) for field, value in zip(fields, values, strict=True)]


def check_staged(table: Table, cells: Sequence[str]) -> None:
    """Assert that the rules accept a row, given as cells in COPY's text format."""
    verdict = rules.of_json(table, _as_json(table, rules.of_copy(table, cells)))
    assert not any(isinstance(found, Wrong) for found in verdict), (cells, verdict)


def check_accepted(table: Table, row: Any, values: Sequence[Any]) -> None:
    """Assert that the rules give the same values for a JSON row, as PostgreSQL will store them."""
    assert rules.of_copy(table, copied(table, values)) == rules.of_json(table, row)


def check_rejected_cells(table: Table, reject: Reject) -> None:
    """Assert that the rules reject a row with the same errors, unless its shape was wrong."""
    assert reject.position >= 1
    codes = {error.code for error in reject.errors}
    if codes <= _SHAPE_CODES:
        assert [error.field for error in reject.errors] == [reasons.ROW]
        return
    assert isinstance(reject.raw, dict)
    assert list(reject.raw) == list(table.names)
    assert _errors(reject) == rules.of_cells(table, list(reject.raw.values()))


def check_rejected(table: Table, row: Any, reject: Reject) -> None:
    """Assert that the rules reject a JSON row with the same errors."""
    assert _errors(reject) == rules.of_json(table, row)


def _errors(reject: Reject) -> list[Wrong]:
    return [Wrong(error.field, error.code, dict(error.facts)) for error in reject.errors]


def _as_json(table: Table, values: Sequence[Any]) -> dict[str, Any]:
    shown = [value.isoformat() if hasattr(value, "isoformat") else value for value in values]
    return dict(zip(table.names, shown, strict=True))
