"""Reads the first row of a CSV file: a header with the order of the columns, or data."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

from shared.errors import UnreadableFile
from shared.tables.table import Table
from shared.validation.corrections import is_note

# A hundred thousand columns are too many to read, and the ledger stores this list.
_SHOWN = 20
_MAX_NAME = 80


@dataclass(frozen=True)
class Layout:
    """Where a file's columns are.

    Attributes:
        order: for each field of the table, the column that holds it, or None.
        width: how many columns a row has.
        header: whether the first row is a header.
        notes: whether the file has note columns, and so cells shielded by apostrophes.
    """

    order: tuple[int | None, ...]
    width: int
    header: bool = False
    notes: bool = False

    @property
    def has_only_fields(self) -> bool:
        """Whether each column holds a field."""
        return self.width == len(self.order) - self.order.count(None)

    @cached_property
    def straight(self) -> bool:
        """Whether the columns are the table's fields in their order, and nothing more."""
        return self.order == tuple(range(self.width))


def layout(table: Table, first: Sequence[str]) -> Layout:
    """Read the first row of a file of `table`.

    Raises:
        UnreadableFile: `header_drifted`: it names some of the fields, but not exactly all of them.
    """
    names = table.names
    known = table.header_names
    columns = [known.get(name := cell.strip().casefold(), name) for cell in first]
    fields = [name for name in columns if not is_note(name) and name not in table.removed]
    needed = {name for name, field in table.fields.items() if field.required}
    if len(set(fields)) == len(fields) and needed <= set(fields) <= set(names) and fields:
        order = tuple(columns.index(name) if name in fields else None for name in names)
        return Layout(order, len(columns), header=True, notes=any(map(is_note, columns)))
    if set(columns) & set(names) and not could_be_data(table, first):
        raise _drifted(table, fields)
    return Layout(tuple(range(len(names))), len(names))


def could_be_data(table: Table, cells: Sequence[str]) -> bool:
    """Return whether the first row of a file may be data: a cell of it looks like a value."""
    if len(cells) != len(table.fields):
        return any(cell.isascii() and cell.isdigit() for cell in cells)
    return any(
        field.is_data(cell) for field, cell in zip(table.fields.values(), cells, strict=True)
    )


def _drifted(table: Table, fields: Sequence[str]) -> UnreadableFile:
    names = table.names
    optional = [name for name in names if not table.fields[name].required]
    missing = [name for name in names if name not in fields and table.fields[name].required]
    strange = [column[:_MAX_NAME] for column in dict.fromkeys(fields) if column not in names]
    unknown = strange[:_SHOWN]
    doubled = [name for name in names if fields.count(name) > 1]
    closest = {
        column: found[0] for column in unknown if (found := get_close_matches(column, missing, 1))
    }
    parts = [
        f"{title}: {', '.join(map(repr, found))}"
        for title, found in (("missing", missing), ("unknown", unknown), ("doubled", doubled))
        if found
    ]
    if len(strange) > len(unknown):
        parts.append(f"and {len(strange) - len(unknown)} more unknown")
    parts += [f"did {column!r} mean {name!r}?" for column, name in closest.items()]
    may_lack = f" ({', '.join(optional)} may be left out)" if optional else ""
    return UnreadableFile(
        "header_drifted",
        f"The header is not that of the table ({'; '.join(parts)}). "
        f"Name the columns {', '.join(names)}, in any order{may_lack}, and drop the file again.",
        missing=missing,
        unknown=unknown,
        doubled=doubled,
        closest=closest,
    )
