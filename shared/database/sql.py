"""SQL: reads statements from named files, and composes statements with safe names.

A statement that depends on the dictionary is a template, filled only with names that `quoted` and
`literal` have made safe. `tests/golden` shows each statement for `hired_employees`.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from textwrap import dedent

_PART = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_LINE_LENGTH = 80


@cache
def statement(folder: Path, name: str) -> str:
    """Read `folder/name.sql`."""
    return (folder / f"{name}.sql").read_text(encoding="utf-8")


def composed(template: str, **parts: str) -> str:
    """Fill the `{names}` of a template with `parts`; the result is dedented.

    A part of several lines gets the indentation of its line. A line whose parts are empty is left
    out.

    Raises:
        KeyError: the template names a missing part.
    """
    lines = []
    for line in dedent(template).strip().splitlines():
        start = "\n" + line[: len(line) - len(line.lstrip())]
        # Not str.format: SQL itself contains braces.
        pieces = _PART.split(line)
        pieces[1::2] = [parts[name].replace("\n", start) for name in pieces[1::2]]
        if filled := "".join(pieces).rstrip():
            lines.append(filled)
    return "\n".join(lines)


def quoted(identifier: str) -> str:
    """Quote an identifier of PostgreSQL, whatever characters it holds.

    Raises:
        ValueError: it holds a NUL character, which PostgreSQL does not allow.
    """
    if "\x00" in identifier:
        raise ValueError("an SQL identifier cannot hold a NUL character")
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Write a text literal, for names of the dictionary in statements without parameters."""
    return "'" + text.replace("'", "''") + "'"


def qualified(table_name: str) -> str:
    """Qualify a table of the dictionary with its schema, so that no temporary table hides it."""
    return f"public.{quoted(table_name)}"


def listed(items: Iterable[str]) -> str:
    """Separate items by commas, on one line if they fit, else one per line."""
    found = list(items)
    line = ", ".join(found)
    return line if len(line) <= _LINE_LENGTH else ",\n".join(found)


def columns(names: Iterable[str], of: str = "") -> str:
    """List columns separated by commas, each qualified with the alias `of`."""
    before = f"{of}." if of else ""
    return listed(f"{before}{quoted(name)}" for name in names)


def row(names: Iterable[str], of: str) -> str:
    """Compose a row value of columns of an alias."""
    return _enclosed("", (f"{of}.{quoted(name)}" for name in names))


def json_object(names: Iterable[str], of: str) -> str:
    """Compose a JSON object of columns of an alias, by their names."""
    return json_object_of({name: f"{of}.{quoted(name)}" for name in names})


def json_object_of(values: Mapping[str, str]) -> str:
    """Compose a JSON object of SQL expressions, by their names."""
    pairs = (f"{literal(name)}, {value}" for name, value in values.items())
    return _enclosed("jsonb_build_object", pairs)


def equal(names: Iterable[str], one: str, other: str) -> str:
    """Compose the condition that two aliases have the same values in these columns."""
    return " and ".join(f"{one}.{quoted(name)} = {other}.{quoted(name)}" for name in names)


def restore_lock_key(table_name: str) -> str:
    """Compose the key of a table's advisory lock, which loads share and a restore holds alone."""
    return f"hashtext({literal(f'tablegate {table_name}')})"


def _enclosed(function: str, items: Iterable[str]) -> str:
    text = listed(items)
    if "\n" not in text:
        return f"{function}({text})"
    return composed("{function}(\n    {text}\n)", function=function, text=text)
