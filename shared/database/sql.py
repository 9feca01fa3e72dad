"""SQL statements in named files, and the one way a name gets into composed SQL."""

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
