"""The changes that `make mutants` makes are programs, and the ones that matter are among them."""

import pytest

from tests.mutants import known, python, sql
from tests.mutants.mutate import PACKAGES, files, mutants

ROOM = '''"""Rooms."""
import re

NAME = re.compile(r"[a-z_]+\\d{2}")
WAIT_SECONDS = 5


def free(rooms: list[int] | None = None, *, all_of: bool = False) -> int:
    """Count."""
    if not rooms or len(rooms) <= 2:
        return 0
    for room in rooms:
        log(room)
    return sum(room + 1 for room in rooms if room)
'''


def changed(changes, text):
    """Each changed line, with single blanks."""
    found = set()
    for start, end, replacement in changes(text):
        before, after = text[:start], text[end:]
        line = before.rpartition("\n")[2] + replacement + after.partition("\n")[0]
        found.add(" ".join(line.split()))
    return found


def test_the_changes_of_python():
    assert changed(python.changes, ROOM) == {
        'NAME = re.compile(r"[a-z_]*\\d{2}")',
        'NAME = re.compile(r"[a-z_]+\\d{3}")',
        'NAME = re.compile(r"[a-z]+\\d{2}")',
        "def free(rooms: list[int] | None = None, *, all_of: bool = True) -> int:",
        "if not rooms and len(rooms) <= 2:",
        "if (rooms) or len(rooms) <= 2:",
        "if not rooms or len(rooms) < 2:",
        "if not rooms or len(rooms) <= 3:",
        "return 1",
        "pass",
        "return sum(room - 1 for room in rooms if room)",
        "return sum(room + 2 for room in rooms if room)",
        "return sum(room + 1 for room in rooms if (not (room)))",
    }


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("where a = 1 and b is null", {"where a <> 1 and b is null", "where a = 2 and b is null"}),
        ("where a is not distinct from b", {"where a is distinct from b"}),
        ("select distinct a order by a", {"select a order by a", "select distinct a"}),
        ("select a for update skip locked", {"select a", "select a for update"}),
        ("select a -- or b", set()),
        ("options (description = 'this and that')", {"options (description <> 'this and that')"}),
        ("where not exists (select)", {"where exists (select)"}),
        ("lock table a in share row exclusive mode", {"lock table a in row share mode"}),
    ],
)
def test_the_changes_of_sql(statement, expected):
    found = changed(sql.changes, statement)

    assert expected <= found
    assert bool(found) == bool(expected)
    assert statement not in found


def test_every_package_has_mutants():
    for package in PACKAGES:
        found = [mutant for file in files(package) for mutant in mutants(file)]
        assert len(found) > 100
        assert all(mutant.lines()[0] != mutant.lines()[1] for mutant in found)


def test_the_lists_name_mutants_of_these_packages_with_a_reason():
    for (file, _, _), why in known.read().items():
        assert file.split("/")[1] in PACKAGES
        assert len(why) > 20
