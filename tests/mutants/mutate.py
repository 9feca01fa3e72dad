"""All mutants of a file."""

import bisect
from pathlib import Path

from tests.mutants import python, sql
from tests.mutants.mutant import ROOT, Mutant, read

PACKAGES = ("validation", "loading", "http", "metrics", "warehouse", "backups")


def files(package: str) -> list[str]:
    """The Python and SQL files of a package of `shared`."""
    folder = ROOT / "shared" / package
    found = [*folder.rglob("*.py"), *folder.rglob("*.sql")]
    return sorted(str(path.relative_to(ROOT)) for path in found)


def mutants(file: str) -> list[Mutant]:
    """All mutants of a file, in the order of their places."""
    text = read(file)
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    changes = python.changes(text) if Path(file).suffix == ".py" else sql.changes(text)
    return [
        Mutant(file, bisect.bisect_right(starts, start), start, end, replacement)
        for start, end, replacement in sorted(set(changes))
    ]
