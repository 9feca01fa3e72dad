"""What the checks find: numbers for the table, and everything that is not as it must be."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Findings:
    """What was looked at, and what is wrong.

    Attributes:
        counts: numbers, by what they count.
        wrong: a sentence for each thing that is not as it must be.
    """

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def count(self, what: str, number: int = 1) -> None:
        """Count something that was looked at."""
        self.counts[what] += number

    def must(self, holds: bool, what: str, sentence: str) -> None:
        """Note a sentence, and count it as `what`, unless something holds."""
        if not holds:
            self.counts[what] += 1
            self.wrong.append(f"{what}: {sentence}")

    def add(self, other: "Findings") -> None:
        """Take in what others have found."""
        self.counts += other.counts
        self.wrong += other.wrong
