"""SQL statements in named files, and the only ways a name gets into composed SQL."""

from functools import cache
from pathlib import Path


@cache
def statement(folder: Path, name: str) -> str:
    """The text of `folder/name.sql`."""
    return (folder / f"{name}.sql").read_text(encoding="utf-8")


def quoted(identifier: str) -> str:
    """An identifier as SQL takes it whatever it holds.

    Raises:
        ValueError: it holds a NUL character, which no identifier can.
    """
    if "\x00" in identifier:
        raise ValueError("an SQL identifier cannot hold a NUL character")
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL takes it: for names of the dictionary, where a statement takes no parameter."""
    return "'" + text.replace("'", "''") + "'"


def turn(table_name: str) -> str:
    """The key of the advisory lock that loads of a table share and a restore has to itself."""
    return f"hashtext({literal(f'tablegate {table_name}')})"
