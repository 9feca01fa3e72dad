"""The mutants that no test can tell from the code, each with the reason."""

import tomllib
from pathlib import Path

from tests.mutants.mutant import ROOT, Mutant
from tests.mutants.mutate import mutants

LISTS = Path(__file__).with_name("equivalent")
Key = tuple[str, str, str]


def read() -> dict[Key, str]:
    """The reason by file, line and changed line."""
    listed: dict[Key, str] = {}
    for file in sorted(LISTS.glob("*.toml")):
        for found in tomllib.loads(file.read_text(encoding="utf-8"))["mutant"]:
            for changed in found["changed"]:
                listed[found["file"], found["line"], changed] = found["why"]
    return listed


def key(mutant: Mutant) -> Key:
    """What a mutant is listed by."""
    return (mutant.file, *mutant.lines())


def without_place(listed: dict[Key, str]) -> list[str]:
    """Those that the code no longer has."""
    files = {file for file, *_ in listed}
    there = {key(m) for file in files if (ROOT / file).exists() for m in mutants(file)}
    return [" | ".join(missing) for missing in listed if missing not in there]
