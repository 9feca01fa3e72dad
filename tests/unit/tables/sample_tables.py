"""The tables of the sample databases in the dictionary's words: a kind of field for each column."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import fields as attributes
from typing import Any

from shared import tables
from shared.tables import Reference, Row, Table
from tests.unit.tables.sample_databases import Column, Description

# The longest text of a column whose type has no length.
UNBOUNDED = 1_000_000

PLAIN = {
    "bool": ("Boolean", {}),
    "date": ("Date", {}),
    "jsonb": ("Json", {}),
    "money": ("Decimal", {"digits": 19, "places": 4}),
    "real": ("Float", {}),
    "time": ("Time", {}),
    "timestamp": ("LocalTimestamp", {}),
    "timestamptz": ("Timestamp", {}),
    "uuid": ("Uuid", {}),
    **dict.fromkeys(("bpchar", "text", "varchar", "xml"), ("Text", {"max_length": UNBOUNDED})),
    **{
        name: ("Integer", {"minimum": first, "maximum": last})
        for name, first, last in (
            ("smallint", -(2**15), 2**15 - 1),
            ("int", -(2**31), 2**31 - 1),
            ("serial", -(2**31), 2**31 - 1),
            ("year", 1901, 2155),
        )
    },
}
"""The kind and its options for each type without a length."""

COMPUTED = frozenset({"now()", "uuid()"})
"""Defaults that the database computes, as those of `serial`. The dictionary has only constants, so
a row must give such a value."""


class NotExpressible(Exception):
    """No kind of field has a column's type."""


@dataclass(frozen=True)
class Expressed:
    """What the dictionary can express of a database.

    Attributes:
        tables: the tables, with the references to one another.
        inexpressible: the columns that keep a table out of the dictionary, with their types.
        dangling: the foreign keys that lead to a table that is left out, as `table.column`.
    """

    tables: Mapping[str, Table]
    inexpressible: Mapping[str, tuple[str, ...]]
    dangling: frozenset[str]


def express(database: Mapping[str, Description]) -> Expressed:
    """Express as much of a database as the dictionary can."""
    inexpressible = {
        name: lacking
        for name, described in database.items()
        if (lacking := tuple(_inexpressible(described)))
    }
    expressed = {name: database[name] for name in database if name not in inexpressible}
    return Expressed(
        {name: _table(described, expressed) for name, described in expressed.items()},
        inexpressible,
        frozenset(
            f"{name}.{'_'.join(columns)}"
            for name, described in expressed.items()
            for columns, parent in described.references
            if parent not in expressed
        ),
    )


def _inexpressible(described: Description) -> Iterator[str]:
    for column in described.columns:
        try:
            _kind(column.type)
        except NotExpressible:
            yield f"{column.name} {column.type}"


def _table(described: Description, expressed: Mapping[str, Description]) -> Table:
    fields = {column.name: _field(column) for column in described.columns}
    options: dict[str, Any] = {}
    if "unique" in {attribute.name for attribute in attributes(Table)}:
        options["unique"] = described.unique
    return Table(
        described.name,
        type(described.name, (Row,), {"__doc__": f"A row of {described.name}.", **fields}),
        key=described.key,
        references=tuple(
            Reference(columns, parent, expressed[parent].key)
            for columns, parent in described.references
            if parent in expressed
        ),
        **options,
    )


def _field(column: Column) -> Any:
    kind, options = _kind(column.type)
    if column.default is not None and column.default not in COMPUTED:
        options = {**options, "default": _constant(kind, column.default)}
    return getattr(tables, kind)(optional=column.nullable, **options)


def _kind(type_: str) -> tuple[str, dict[str, Any]]:
    if type_ in PLAIN:
        return PLAIN[type_]
    name, _, rest = type_.rstrip(")").partition("(")
    if name in ("char", "varchar"):
        return "Text", {"max_length": int(rest)}
    if name == "numeric":
        digits, places = map(int, rest.split(","))
        return "Decimal", {"digits": digits, "places": places}
    if name == "enum":
        return "Choice", {"of": tuple(rest.split(","))}
    raise NotExpressible(type_)


def _constant(kind: str, text: str) -> Any:
    if kind == "Boolean":
        return text == "true"
    return int(text) if kind == "Integer" else text
