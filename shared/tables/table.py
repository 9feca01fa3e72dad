"""What the dictionary defines for a table besides its fields."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal

from marshmallow import RAISE, Schema

from shared.errors import ConfigurationError
from shared.tables.check import Check, CompiledCheck, compiled
from shared.tables.column import missing_parts
from shared.tables.kind import Kind
from shared.tables.kinds import KINDS
from shared.tables.refusal import Refusal
from shared.tables.stored_text import StoredText
from shared.tables.warehouse import Warehouse

NAME = re.compile(r"[a-z][a-z0-9_]{0,55}")
"""The names that tables and fields may have."""

MOST_KEY_BYTES = 2400
"""The most bytes that the texts of a key may have.

An entry of a B-tree in PostgreSQL has at most 2704 bytes, some of them for the names of the fields
in the index of former versions (PostgreSQL 17, access/nbtree.h, BTMaxItemSize).
"""


class Row(Schema):
    """Base of every table's schema: fields in the order of the file, and no unknown ones."""

    class Meta:
        """marshmallow's own options."""

        unknown = RAISE

    error_messages: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "unknown": Refusal("unknown_field"),
        "type": Refusal("not_an_object"),
    }


@dataclass(frozen=True, init=False)
class Reference:
    """Fields whose values must be the key of a row of a table: of another one, or the same.

    If one of the fields is NULL, they refer to nothing.

    Attributes:
        fields: the referring fields; one may be given as a text.
        table: the table referred to.
        key: the key fields of that table, in the order of `fields`; by default `id`, or for several
            fields those of the same names.
    """

    fields: tuple[str, ...]
    table: str
    key: tuple[str, ...]

    def __init__(
        self, fields: str | Sequence[str], table: str, key: str | Sequence[str] = ()
    ) -> None:
        named = (fields,) if isinstance(fields, str) else tuple(fields)
        by_default = ("id",) if len(named) == 1 else named
        object.__setattr__(self, "fields", named)
        object.__setattr__(self, "table", table)
        object.__setattr__(
            self, "key", ((key,) if isinstance(key, str) else tuple(key)) or by_default
        )

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The fields, each with the key field that it must equal."""
        return tuple(zip(self.fields, self.key, strict=True))


@dataclass(frozen=True, eq=False)
class Table:
    """One table of the dictionary.

    Attributes:
        name: its name everywhere: in paths, SQL, messages and files.
        schema: its fields and their rules.
        key: the fields that identify a row. An empty one declares an append-only table: every row
            that is sent is stored, and its load and position identify it.
        references: the fields that refer to other tables.
        unique: fields whose values, taken together, no two rows share. Rows with NULL in one of
            them may share the others.
        missing: the cells of a CSV file that stand for no value.
        checks: conditions that the fields of a row must meet together.
        removed: fields that it had before; what comes in may still have them, and they are ignored.
        on_conflict: what happens to a row whose key is stored with other values: `update`
            replaces the stored row, `reject` rejects the new one.
        warehouse: how the warehouse keeps it.
    """

    name: str
    schema: type[Row]
    key: tuple[str, ...] = ("id",)
    references: tuple[Reference, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    on_conflict: Literal["update", "reject"] = "update"
    missing: tuple[str, ...] = ("",)
    checks: tuple[Check, ...] = ()
    removed: tuple[str, ...] = ()
    warehouse: Warehouse = field(default_factory=Warehouse)

    @cached_property
    def header_names(self) -> Mapping[str, str]:
        """The fields by each name, in lower case, that their columns may have in a header."""
        return {
            known.casefold(): name
            for name, kind in self.fields.items()
            for known in (*kind.aliases, *kind.was, name)
        }

    @cached_property
    def earlier_names(self) -> Mapping[str, str]:
        """The fields by each name that they had before."""
        return {was: name for name, kind in self.fields.items() for was in kind.was}

    def as_named_now(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Give the fields of a row their present names, and leave out those that were removed.

        A row that gives a field by both names keeps both: the old one is an unknown field then.
        """
        found = {name: value for name, value in row.items() if name not in self.removed}
        for was, name in self.earlier_names.items():
            if was in found and name not in found:
                found[name] = found.pop(was)
        return found

    @cached_property
    def checker(self) -> Row:
        """An instance of the schema, made once."""
        return self.schema()

    @cached_property
    def fields(self) -> Mapping[str, Kind]:
        """The fields by name, in the order of the file.

        Raises:
            ConfigurationError: a field's class is not a kind, or lacks a part; the text says which.
        """
        return {name: self._checked(name, field) for name, field in self.checker.fields.items()}

    def _checked(self, name: str, field: Any) -> Kind:
        kind = type(field)
        if not isinstance(field, Kind):
            raise ConfigurationError(
                f"Field {name!r} of table {self.name!r} is a {kind.__module__}.{kind.__name__}, "
                f"not a kind of field; use one of {', '.join(KINDS)} from shared.tables."
            )
        if lacking := missing_parts(kind):
            parts = ", ".join(f"{part} ({meaning})" for part, meaning in lacking.items())
            raise ConfigurationError(
                f"Field {name!r} of table {self.name!r} cannot be used: its kind "
                f"{kind.__name__} lacks {parts}; define it in the kind's file."
            )
        return field

    @cached_property
    def has_rules_beyond_fields(self) -> bool:
        """Whether the schema has hooks, which run only if marshmallow walks the whole schema."""
        return any(self.checker._hooks.values())

    @cached_property
    def compiled_checks(self) -> tuple[CompiledCheck, ...]:
        """The checks as code, and one of the key if an index could not hold some of its values.

        Raises:
            ConfigurationError: a check cannot be used; the text says why.
        """
        found = [compiled(check, self.name, self.fields) for check in self.checks]
        texts = [name for name in self.key if isinstance(self.fields.get(name), StoredText)]
        if sum(self.fields[name].key_bytes or 0 for name in texts) > MOST_KEY_BYTES:
            found.append(_key_check(texts))
        return tuple(found)

    @cached_property
    def checked_names(self) -> tuple[str, ...]:
        """The names of the fields that checks need, in the order of the file."""
        needed = {name for check in self.compiled_checks for name in check.names}
        return tuple(name for name in self.names if name in needed)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the fields, in the order of the file."""
        return tuple(self.fields)

    @property
    def warehouse_name(self) -> str:
        """Its name in the warehouse."""
        return self.warehouse.name or self.name

    @property
    def description(self) -> str:
        """First line of the schema's docstring."""
        return (self.schema.__doc__ or "").strip().split("\n")[0]


def _key_check(texts: Sequence[str]) -> CompiledCheck:
    """The check that the texts of a key fit an index."""

    def violations(columns: Iterable[Iterable[str]]) -> list[int]:
        sizes = (len("".join(values).encode()) for values in zip(*columns, strict=True))
        return [place for place, size in enumerate(sizes) if size > MOST_KEY_BYTES]

    sentence = f"{', '.join(texts)}: a key takes at most {MOST_KEY_BYTES} bytes; shorten it."
    return CompiledCheck(tuple(texts), sentence, violations, {})
