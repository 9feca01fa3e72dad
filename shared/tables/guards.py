"""Refuses a dictionary that contradicts itself, with what to correct in which file."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from shared.errors import ConfigurationError
from shared.tables import stored
from shared.tables.table import NAME, Reference, Table

# In PostgreSQL; `places` has those of the warehouse.
_OWN_NAMES = frozenset(
    ("loads", "rejected_rows", "row_versions", "load_progress", "batch_keys", "alembic_version")
)
# The last three are columns of the merge's temporary tables.
OWN_FIELDS = frozenset((*stored.COLUMNS, stored.POSITION, "same", "newer"))
"""The names that no field may have."""


def check_files(files: Sequence[str], taken: Collection[str]) -> None:
    """Check the names of the tables' files: an imported one hides a name of the package.

    Args:
        files: the names, without `.py`.
        taken: the names of the package.

    Raises:
        ConfigurationError: a name hides another.
    """
    for name in files:
        if name in taken:
            raise ConfigurationError(
                f"shared/tables/{name}.py hides shared.tables.{name}, which the platform uses; "
                "give the file another name. The table itself may keep its name."
            )


def table_of(name: str, table: Any, others: Mapping[str, Table]) -> Table:
    """Return the table that a file defines.

    Args:
        name: the name of the file, without `.py`.
        table: its `TABLE`, or None.
        others: the tables of the files before it, by name.

    Raises:
        ConfigurationError: it is no table, or its name is taken.
    """
    if not isinstance(table, Table):
        raise ConfigurationError(
            f"shared/tables/{name}.py defines no TABLE; define one, or move the file out of the "
            "folder, which holds one file per table."
        )
    if table.name in others:
        raise ConfigurationError(
            f"shared/tables/{name}.py describes table {table.name!r}, which another file there "
            "describes, too; give it another name, or delete one of the files."
        )
    return table


def check(table: Table, tables: Mapping[str, Table]) -> None:
    """Check a table by itself, and its references.

    Raises:
        ConfigurationError: it contradicts itself or another table; the text says how.
    """
    if wrong := list(_wrong(table, tables)):
        raise ConfigurationError(
            f"Table {table.name!r}: {'; '.join(wrong)}. Correct its file in shared/tables."
        )
    # Compiling raises for a check that cannot be used.
    _ = table.compiled_checks


def _wrong(table: Table, tables: Mapping[str, Table]) -> Iterator[str]:
    for name in (table.name, *table.names):
        if not NAME.fullmatch(name):
            yield (
                f"the name {name!r} cannot be used: at most 56 small letters, digits and "
                "underscores, a letter first"
            )
    if table.name in _OWN_NAMES:
        yield f"{table.name!r} is a table of the platform"
    yield from (
        f"{name!r} is a column of the platform" for name in table.names if name in OWN_FIELDS
    )
    yield from _wrong_names(table)
    if not table.key and table.on_conflict != "update":
        yield (
            "it is append-only, so no row conflicts with another; take on_conflict out, or name "
            "its key"
        )
    for name in table.key:
        if name not in table.names:
            yield f"the key's {name!r} is not one of its fields"
        elif table.fields[name].nullable:
            yield f"the key's {name!r} is optional"
        elif table.fields[name].key_bytes is None:
            kind = type(table.fields[name]).__name__
            yield f"the key's {name!r} is a {kind}, which identifies no row; use another kind"
    if len(set(table.key)) < len(table.key):
        yield "the key has a field twice"
    for reference in table.references:
        yield from _wrong_reference(table, reference, tables[reference.table])
    yield from _wrong_unique(table)
    yield from _wrong_former(table)


def _wrong_former(table: Table) -> Iterator[str]:
    former = [*table.removed, *(was for kind in table.fields.values() for was in kind.was)]
    for name in sorted(set(former)):
        if name in table.names or name in OWN_FIELDS or former.count(name) > 1:
            yield f"{name!r} in `was` or `removed` is used twice"


def _wrong_names(table: Table) -> Iterator[str]:
    """Find names that two columns of a header may have."""
    owners: dict[str, str] = {}
    for name, kind in table.fields.items():
        for known in {one.casefold() for one in (name, *kind.aliases)}:
            if (other := owners.setdefault(known, name)) != name:
                yield f"{other!r} and {name!r} may both be called {known!r}"


def _wrong_reference(table: Table, reference: Reference, parent: Table) -> Iterator[str]:
    words = f"the reference {', '.join(reference.fields)} to {parent.name!r}"
    if unknown := [name for name in reference.fields if name not in table.names]:
        yield f"{words} has {', '.join(unknown)}, not a field of the table"
        return
    if len(reference.fields) != len(reference.key) or sorted(reference.key) != sorted(parent.key):
        its = f"its key, {', '.join(parent.key)}" if parent.key else "a key: it is append-only"
        yield f"{words} is not to {its}"
        return
    for name, key in reference.pairs:
        own, its = table.fields[name].postgres_type, parent.fields[key].postgres_type
        if own != its:
            yield f"{words} compares {name}, a {own}, with {key}, a {its}"


def _wrong_unique(table: Table) -> Iterator[str]:
    known = [set(stored.key(table))]
    for fields in table.unique:
        names = set(fields)
        fits = isinstance(fields, tuple) and names and names <= set(table.names)
        if not fits or len(fields) > len(names) or names in known:
            yield (
                f"{fields!r} of unique is not a tuple of different fields, such as "
                "('currency', 'coupon'), other than the key and the other entries"
            )
        known.append(names)
