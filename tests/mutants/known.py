"""The mutants that no test can tell from the code, each with the reason."""

import tomllib
from pathlib import Path

from tests.mutants.mutant import ROOT, Mutant
from tests.mutants.mutate import mutants

LIST = Path(__file__).with_name("equivalent.toml")
Key = tuple[str, str, str]


def read() -> dict[Key, str]:
    """The reason by file, line and changed line."""
    listed = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return {
        (file, found["line"], changed): found["why"]
        for file, entries in listed.items()
        for found in entries
        for changed in found["changed"]
    }


def key(mutant: Mutant) -> Key:
    """What a mutant is listed by."""
    return (mutant.file, *mutant.lines())


def without_place(listed: dict[Key, str]) -> list[str]:
    """Those that the code no longer has."""
    files = {file for file, *_ in listed}
    there = {key(m) for file in files if (ROOT / file).exists() for m in mutants(file)}
    return [" | ".join(missing) for missing in listed if missing not in there]
