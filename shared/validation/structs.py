"""Builds msgspec structs of the dictionary's tables, which decode JSON and check types in C."""

from functools import cache
from typing import Any, Literal, get_args, get_origin

import msgspec

from shared.tables.kind import Kind
from shared.tables.table import Table


@cache
def row(table: Table) -> type[msgspec.Struct]:
    """Build the struct of a row: exactly its fields, each of the JSON type of its kind.

    A field that opts out of its kind's quick parts stays undecoded JSON text, as does one whose
    type is `msgspec.Raw`. One that a row may lack is UNSET then, or an empty text.
    """
    return msgspec.defstruct(
        "Row",
        [_member(name, field) for name, field in table.fields.items()],
        forbid_unknown_fields=True,
        kw_only=True,
        gc=False,
    )


@cache
def batch(table: Table) -> type[msgspec.Struct]:
    """Build the struct of a batch of rows."""
    return msgspec.defstruct(
        "Batch",
        [("rows", list[row(table)])],  # type: ignore[misc]
        forbid_unknown_fields=True,
    )


def is_raw(field: Kind) -> bool:
    """Return whether the field's values stay undecoded."""
    return not field.is_quick_in_json or field.json_type is msgspec.Raw


def is_text(field: Kind) -> bool:
    """Return whether the field's values are in quotation marks, as its `json_type` implies."""
    plain = get_args(field.json_type)[0] if _is_annotated(field.json_type) else field.json_type
    return plain is str or get_origin(plain) is Literal


def _is_annotated(type_: Any) -> bool:
    return hasattr(type_, "__metadata__")


def _member(name: str, field: Kind) -> tuple[Any, ...]:
    if is_raw(field):
        return (name, msgspec.Raw) if field.required else (name, msgspec.Raw, msgspec.Raw())
    if field.required:
        return (name, field.json_type)
    return (name, field.json_type | None | msgspec.UnsetType, msgspec.UNSET)
