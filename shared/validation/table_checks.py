"""Judges columns of rows by the checks of their table; `row` judges one row.

A check is judged only for rows in which all fields that it names are valid.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from typing import Any

import msgspec

from shared.tables.kind import Kind
from shared.tables.table import Table
from shared.validation.row import FieldError, check_error


def violating(table: Table, columns: Mapping[str, Sequence[Any]]) -> set[int]:
    """Return the places of the rows that violate a check.

    Args:
        table: the table of the rows.
        columns: the checked values of each of `table.checked_names`.
    """
    return {
        place
        for check in table.compiled_checks
        for place in check.violations([columns[name] for name in check.names])
    }


def errors(table: Table, columns: Mapping[str, Sequence[Any]]) -> dict[int, tuple[FieldError, ...]]:
    """Return the errors of the rows that violate checks, by their place.

    Args:
        table: the table of the rows.
        columns: of each of `table.checked_names` the checked values, or a tuple for errors.
    """
    found: dict[int, tuple[FieldError, ...]] = {}
    for check in table.compiled_checks:
        rows = list(zip(*[columns[name] for name in check.names], strict=True))
        valid = [tuple not in map(type, row) for row in rows]
        places = list(compress(range(len(rows)), valid))
        for at in check.violations(zip(*compress(rows, valid), strict=True)):
            found[places[at]] = (*found.get(places[at], ()), check_error(check))
    return found


def values_of_cells(field: Kind, cells: Sequence[str]) -> Sequence[Any]:
    """Convert good cells to checked values; an empty one is NULL."""
    if "" not in cells:
        return list(field.checked_cells(cells))
    values = iter(field.checked_cells(list(filter(None, cells))))
    return [next(values) if cell else None for cell in cells]


def values_of_json(field: Kind, values: Sequence[Any]) -> Sequence[Any]:
    """Convert JSON values that the quick check passed to checked values, or the default."""
    given = [value is not None and value is not msgspec.UNSET for value in values]
    found = iter(field.checked_json(list(compress(values, given))))
    return [next(found) if is_given else field.default for is_given in given]


def values_of_avro(field: Kind, values: Iterable[Any]) -> Sequence[Any]:
    """Convert Avro values that the rule surely accepts to checked values."""
    return [field.deserialize(field.json_of_avro(value)) for value in values]
