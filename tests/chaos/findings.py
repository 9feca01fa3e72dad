"""What the checks find: numbers for the table, and failures."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Findings:
    """What was checked, and what failed.

    Attributes:
        counts: numbers, by what they count.
        failures: a sentence for each check that failed.
    """

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def count(self, what: str, number: int = 1) -> None:
        """Count something that was checked."""
        self.counts[what] += number

    def must(self, holds: bool, what: str, sentence: str) -> None:
        """Record a failure, counted as `what`, unless the condition holds."""
        if not holds:
            self.counts[what] += 1
            self.failures.append(f"{what}: {sentence}")

    def add(self, other: "Findings") -> None:
        """Add other findings."""
        self.counts += other.counts
        self.failures += other.failures
