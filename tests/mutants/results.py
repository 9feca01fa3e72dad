"""What became of each mutant, kept between runs."""

import json
from collections import Counter
from dataclasses import dataclass

from tests.mutants.mutant import Mutant
from tests.mutants.selection import FOLDER

_FILE = FOLDER / "results.json"


@dataclass(frozen=True)
class Outcome:
    """Whether a test noticed; the test, or how many didn't."""

    killed: bool
    detail: str
    seconds: float


class Results:
    """The last outcome of each mutant, by its text."""

    def __init__(self, outcomes: dict[str, tuple[bool, str, float]]) -> None:
        self._outcomes = outcomes

    @classmethod
    def read(cls) -> "Results":
        """Those of earlier runs."""
        return cls(json.loads(_FILE.read_text()) if _FILE.exists() else {})

    def write(self) -> None:
        """Keep them for later runs."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        _FILE.write_text(json.dumps(self._outcomes, indent=1))

    def add(self, mutant: Mutant, outcome: Outcome) -> None:
        """Note an outcome."""
        self._outcomes[_name(mutant)] = (outcome.killed, outcome.detail, outcome.seconds)

    def is_new(self, mutant: Mutant) -> bool:
        """Whether it was never tried."""
        return _name(mutant) not in self._outcomes

    def lived(self, mutant: Mutant) -> bool:
        """Whether it was tried and lived."""
        return not self.is_new(mutant) and not self._outcomes[_name(mutant)][0]

    def report(self, mutants: list[Mutant], target: float) -> int:
        """Print the score of each file and package; returns 1 if a package misses the target."""
        tried, killed = Counter[str](), Counter[str]()
        for mutant in mutants:
            for place in (mutant.file, mutant.file.split("/")[1]):
                tried[place] += 1
                killed[place] += not (self.is_new(mutant) or self.lived(mutant))
        for place in sorted(tried):
            share = killed[place] / tried[place]
            print(f"{place:45} {killed[place]:5} of {tried[place]:5} {share:5.0%}")
        packages = [place for place in tried if "/" not in place]
        return int(any(killed[name] < target * tried[name] for name in packages))


def _name(mutant: Mutant) -> str:
    return " | ".join((mutant.file, *mutant.lines()))
