"""The schema of a file: the types of its fields, and whether it is safe to read rows with it.

A file made elsewhere may declare anything. Decoding it must not take far more memory than its
bytes: null, an empty record and a fixed of size zero take no bytes, and an array itself claims how
many items it has.

Source: Apache Avro 1.11 specification, "Binary Encoding", "Logical Types", "Parsing Canonical
Form".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, Literal

from shared.avro.columns import BulkForm, Encoding
from shared.avro.errors import AvroError
from shared.lazy import fastavro
from shared.tables import stored
from shared.tables.column import avro_type
from shared.tables.kinds import KINDS
from shared.tables.table import Table

Form = BulkForm | Literal["other"]

NANOSECONDS = ("long", "timestamp-nanos")
"""The type whose numbers are nanoseconds since 1970. Source: Avro 1.12, "Timestamps"."""
MILLISECONDS = ("long", "timestamp-millis")
"""The type whose numbers are milliseconds since 1970."""

# Values are walked recursively, even after they are read.
_MAX_DEPTH = 100
# A row of nullable columns that are all null has two values per byte.
_MOST_VALUES_A_BYTE = 16
_PRIMITIVES = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}
_SIZES = {"null": 0, "float": 4, "double": 8}


@dataclass(frozen=True)
class Field:
    """A field of a file.

    Attributes:
        name: its name in the file.
        types: the types of its values as the file declares them, apart from null. Of several types,
            only those whose values identify their type.
        schema: the schema to decode it by, without logical types of numbers and texts.
        form: how its values are decoded.
        null_branch: the number of null among the two types of its union; None if it is no union.
    """

    name: str
    types: tuple[Any, ...]
    schema: Any
    form: Form
    null_branch: int | None = None

    @property
    def nullable(self) -> bool:
        """Whether its values may be null."""
        return self.null_branch is not None

    @property
    def is_plain(self) -> bool:
        """Whether its values are numbers or texts, and nothing else."""
        return self.form in ("number", "text") and not self.nullable

    @property
    def encoding(self) -> Encoding | None:
        """How its values are encoded, if the bulk paths support it."""
        return None if self.form == "other" else Encoding(self.form, self.null_branch)


@dataclass(frozen=True)
class FileSchema:
    """The schema of a file.

    Attributes:
        declared: the schema as the file declares it.
    """

    declared: Any

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The fields of the file's records.

        Raises:
            AvroError: `wrong_schema`, it is not a schema of records, or not safe to read with.
        """
        declared = self.declared
        if not isinstance(declared, dict) or declared.get("type") != "record":
            raise _wrong("The file does not hold records; each row must be one.")
        if _is_nested_beyond(declared, _MAX_DEPTH):
            raise _unsafe(f"is nested more than {_MAX_DEPTH} levels deep")
        named_types: dict[str, Any] = {}
        if not _Measure().of(_parsed(declared, named_types)).is_paid_for:
            raise _unsafe("has rows of many values and few bytes")
        if not isinstance(declared.get("fields"), list):
            raise _wrong("The file's records have no fields; each row must have some.")
        fields = map(_field, self.declared["fields"])
        return tuple(_with_definitions(field, declared, named_types) for field in fields)

    @cached_property
    def encodings(self) -> Sequence[Encoding] | None:
        """How the values of each field are encoded; None if the bulk paths do not support all."""
        found = [field.encoding for field in self.fields]
        known = [encoding for encoding in found if encoding is not None]
        return known if known and len(known) == len(found) else None

    @cached_property
    def decoded(self) -> Any:
        """The schema to decode by, parsed."""
        fields = [
            {**given, "type": field.schema}
            for given, field in zip(self.declared["fields"], self.fields, strict=True)
        ]
        return _parsed({**self.declared, "fields": fields})

    @cached_property
    def by_field(self) -> dict[str, Any]:
        """The schema of each field, parsed."""
        return {
            field.name: fastavro.parse_schema(field.schema) if not field.is_plain else field.schema
            for field in self.fields
        }

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the schema's parsing canonical form, in hexadecimal."""
        canonical = fastavro.schema.to_parsing_canonical_form(self.declared)
        return str(fastavro.schema.fingerprint(canonical, "SHA-256"))


def of_table(table: Table) -> FileSchema:
    """Build the schema with which a table's rows are written."""
    fields = [
        {
            "name": name,
            "type": avro_type(column),
            "doc": column.description,
            # By it, the release before a renaming restores what this one backs up.
            **({"aliases": list(column.was)} if column.was else {}),
        }
        for name, column in table.fields.items()
    ]
    own = [{"name": name, "type": column.avro_type} for name, column in stored.own(table).items()]
    return FileSchema(
        {
            "type": "record",
            "name": table.name,
            "namespace": "tablegate",
            "doc": table.description,
            "fields": [*fields, *own],
        }
    )


def _parsed(declared: Any, named_types: dict[str, Any] | None = None) -> Any:
    """Parse a schema, and enter its named types in `named_types` by their full names."""
    try:
        return fastavro.parse_schema(declared, named_types)
    # For many wrong schemas the library raises Python's errors rather than its own.
    except Exception as error:
        raise _wrong("The file's schema is not a valid Avro schema.") from error


def _field(given: Mapping[str, Any]) -> Field:
    name, declared = given["name"], given["type"]
    if not isinstance(declared, list):
        form, schema = _form(declared)
        return Field(name, (declared,), schema, form)
    if len(declared) == 1:
        # Its values have one type, but each still has the number of its branch before it.
        return Field(name, (declared[0],), [_form(declared[0])[1]], "other")
    if "null" in declared and len(declared) == 2:
        inner = next(branch for branch in declared if branch != "null")
        form, schema = _form(inner)
        union = ["null", schema] if declared[0] == "null" else [schema, "null"]
        return Field(name, (inner,), union, form, declared.index("null"))
    found = [branch for branch in declared if branch != "null"]
    if set(map(named, found)) == {("int", None), ("long", None)}:
        # Both are whole numbers, so it does not matter which one a value has.
        types: tuple[Any, ...] = ("long",)
    else:
        types = tuple(branch for branch in found if _form(branch)[0] == "other")
    return Field(name, types, _without_decimals(declared), "other")


def _with_definitions(
    field: Field, record: Mapping[str, Any], named_types: Mapping[str, Any]
) -> Field:
    """Replace names of types that are defined before the field by their definitions."""
    namespace, *_ = str(record.get("name")).rpartition(".")
    prefix = namespace or record.get("namespace") or ""

    def defined(declared: Any) -> Any:
        if not isinstance(declared, str) or declared in _PRIMITIVES:
            return declared
        return named_types.get(f"{prefix}.{declared}") or named_types.get(declared, declared)

    return replace(field, types=tuple(map(defined, field.types)))


def _form(declared: Any) -> tuple[Form, Any]:
    """Return how values of a type are decoded, and the schema to decode them by."""
    plain, logical = named(declared)
    if plain == "string":
        return "text", "string"
    if plain in ("int", "long") and (logical is None or (plain, logical) in _numbers()):
        return "number", plain
    if (plain, logical) in (NANOSECONDS, MILLISECONDS):
        # fastavro would round the former, and take the latter for damage beyond year 9999.
        return "number", plain
    if plain == "bytes" and logical in (None, "decimal"):
        return "bytes", plain
    if plain in ("double", "boolean"):
        return plain, plain
    return "other", _without_decimals(declared)


def named(declared: Any) -> tuple[Any, Any]:
    """Return a type's name and logical type."""
    if isinstance(declared, dict):
        return declared.get("type"), declared.get("logicalType")
    return declared, None


@cache
def _numbers() -> Sequence[tuple[Any, Any]]:
    """Return the types of columns that Avro holds as whole numbers, whatever they mean."""
    columns = [*(kind.sample() for kind in KINDS.values()), *stored.COLUMNS.values()]
    found = [named(one.avro_type) for one in columns]
    return [one for one in found if one[0] in ("int", "long")]


def _without_decimals(schema: Any) -> Any:
    """Replace decimals in the schema by plain bytes: a long decimal takes hours to convert."""
    if isinstance(schema, list):
        return [_without_decimals(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    is_decimal = schema.get("logicalType") == "decimal"
    return {
        name: _without_decimals(value)
        for name, value in schema.items()
        if not (is_decimal and name in ("logicalType", "precision", "scale"))
    }


def _is_nested_beyond(value: Any, levels: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_nested_beyond(one, levels - 1) for one in inner)


@dataclass(frozen=True)
class _Extent:
    """The cost of a value of a type: the most Python values, and the fewest bytes."""

    values: int
    size_bytes: int
    depth: int = 1

    @property
    def is_paid_for(self) -> bool:
        return self.values <= _MOST_VALUES_A_BYTE * self.size_bytes


class _Measure:
    """Measures the types of a parsed schema, each named type once."""

    def __init__(self) -> None:
        self._named: dict[str, _Extent] = {}

    def of(self, schema: Any) -> _Extent:
        found = self._of(schema)
        # With named types, values nest deeper than the schema's text.
        if found.depth > _MAX_DEPTH:
            raise _unsafe(f"has rows nested more than {_MAX_DEPTH} levels deep")
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
            # Still being measured: the type contains itself.
            raise _unsafe(f"is recursive: {name[:80]!r} contains itself")
        return self._named[name]

    def _name(self, schema: Any, extent: _Extent) -> _Extent:
        self._named[schema["name"]] = extent
        return extent

    def _repeated(self, inner: Any, has_keys: bool) -> _Extent:
        item = self.of(inner)
        each = _Extent(item.values + has_keys, item.size_bytes + has_keys)
        if not each.is_paid_for:
            raise _unsafe("has arrays of many values and few bytes")
        return _Extent(1, 1, _below([item]))


def _below(inner: Sequence[_Extent]) -> int:
    return 1 + max((extent.depth for extent in inner), default=0)


def _wrong(sentence: str) -> AvroError:
    return AvroError("wrong_schema", sentence)


def _unsafe(what: str) -> AvroError:
    return _wrong(f"The file's schema {what}; write it with only the columns of the table.")
