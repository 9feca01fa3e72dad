"""The dictionary's tables as msgspec structs: JSON rows decoded and checked by type in C."""

from functools import cache
from typing import Annotated, Any

import msgspec

from shared.tables.fields import MAX_INTEGER, Integer, Required, Text, Timestamp
from shared.tables.table import Table


@cache
def row(table: Table) -> type[msgspec.Struct]:
    """The struct of a row: every field, none beyond them, of the JSON type of its kind.

    Ranges of integers are checked while decoding; what a text or a timestamp may hold is not.
    """
    return msgspec.defstruct(
        "Row",
        [(name, _type(field)) for name, field in table.fields.items()],
        forbid_unknown_fields=True,
        gc=False,
    )


@cache
def batch(table: Table) -> type[msgspec.Struct]:
    """The struct of a batch of rows."""
    return msgspec.defstruct(
        "Batch",
        [("rows", list[row(table)])],  # type: ignore[misc]
        forbid_unknown_fields=True,
    )


def _type(field: Required) -> Any:
    if type(field) is Integer:
        return Annotated[int, msgspec.Meta(ge=1, le=MAX_INTEGER)]
    return str if type(field) in (Text, Timestamp) else Any
