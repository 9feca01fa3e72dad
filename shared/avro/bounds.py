"""What a schema of a file made elsewhere may ask for: no more than the file's own bytes pay for.

Source: Apache Avro 1.11 specification, "Binary Encoding": null, an empty record and a fixed of size
zero take no bytes, and an array says itself how many items it has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.backups.errors import UnusableBackup
from shared.strict_json import MAX_DEPTH, is_too_deep

# A row of nullable columns that are all null has two values a byte.
_MOST_VALUES_A_BYTE = 16
_SIZES = {"null": 0, "float": 4, "double": 8}


@dataclass(frozen=True)
class _Extent:
    """What one value of a type takes: values in Python at most, bytes at least, levels deep."""

    values: int
    size_bytes: int
    depth: int = 1

    @property
    def is_paid_for(self) -> bool:
        return self.values <= _MOST_VALUES_A_BYTE * self.size_bytes


def check_depth(declared: Any) -> None:
    """Check that a schema, as the file has it, may be parsed at all.

    Raises:
        UnusableBackup: `wrong_schema`.
    """
    if is_too_deep(declared):
        raise _unusable(f"is nested more than {MAX_DEPTH} levels deep")


def check(parsed: Any) -> None:
    """Check that rows of a parsed schema may be read.

    Raises:
        UnusableBackup: `wrong_schema`: it is recursive, too deep, or makes much of few bytes.
    """
    if not _Measure().of(parsed).is_paid_for:
        raise _unusable("has rows of many values and few bytes")


class _Measure:
    """Measures types, each named one once."""

    def __init__(self) -> None:
        self._named: dict[str, _Extent] = {}

    def of(self, schema: Any) -> _Extent:
        found = self._of(schema)
        # Types that are named reach further than the schema itself is deep.
        if found.depth > MAX_DEPTH:
            raise _unusable(f"has rows nested more than {MAX_DEPTH} levels deep")
        return found

    def _of(self, schema: Any) -> _Extent:
        if isinstance(schema, list):
            branches = [self.of(branch) for branch in schema]
            return _Extent(
                1 + max((branch.values for branch in branches), default=0),
                1 + min((branch.size_bytes for branch in branches), default=0),
                _below(branches),
            )
        if isinstance(schema, str):
            return self._by_name(schema)
        kind = schema["type"]
        if kind in ("record", "error"):
            fields = [self.of(field["type"]) for field in schema["fields"]]
            values, size = sum(f.values for f in fields), sum(f.size_bytes for f in fields)
            return self._name(schema, _Extent(1 + values, size, _below(fields)))
        if kind in ("enum", "fixed"):
            return self._name(schema, _Extent(1, schema["size"] if kind == "fixed" else 1))
        if kind in ("array", "map"):
            return self._repeated(schema["items" if kind == "array" else "values"], kind == "map")
        return self.of(kind)

    def _by_name(self, name: str) -> _Extent:
        if name in _PRIMITIVES:
            return _Extent(1, _SIZES.get(name, 1))
        if name not in self._named:
            # It is not measured yet, so this is within it.
            raise _unusable(f"is recursive: {name[:80]!r} is in itself")
        return self._named[name]

    def _name(self, schema: Any, extent: _Extent) -> _Extent:
        self._named[schema["name"]] = extent
        return extent

    def _repeated(self, inner: Any, has_keys: bool) -> _Extent:
        item = self.of(inner)
        each = _Extent(item.values + has_keys, item.size_bytes + has_keys)
        if not each.is_paid_for:
            raise _unusable("has arrays of many values and few bytes")
        return _Extent(1, 1, _below([item]))


def without_decimals(schema: Any) -> Any:
    """The schema with its decimals as the bytes they are: nobody wants them, and a long one takes
    hours to convert."""
    if isinstance(schema, list):
        return [without_decimals(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    is_decimal = schema.get("logicalType") == "decimal"
    return {
        name: without_decimals(value)
        for name, value in schema.items()
        if not (is_decimal and name in ("logicalType", "precision", "scale"))
    }


def _below(inner: Sequence[_Extent]) -> int:
    return 1 + max((extent.depth for extent in inner), default=0)


def _unusable(what: str) -> UnusableBackup:
    return UnusableBackup(
        "wrong_schema", f"The file's schema {what}; write it with the columns of the table alone."
    )


_PRIMITIVES = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}
