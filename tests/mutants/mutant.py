"""One change of one place in a file."""

from dataclasses import dataclass
from pathlib import Path

# Not from tests.support, which pytest must be the first to import.
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mutant:
    """A file with one change.

    Attributes:
        file: its path from the root of the checkout.
        line: the first line that differs, from 1.
        start, end: the characters that are replaced.
        replacement: what stands there instead.
    """

    file: str
    line: int
    start: int
    end: int
    replacement: str

    def text(self) -> str:
        """The whole file, changed."""
        content = read(self.file)
        return content[: self.start] + self.replacement + content[self.end :]

    def lines(self) -> tuple[str, str]:
        """The line that is changed, as it is and as it becomes, without indentation.

        A mutant keeps its name while lines move, so that a list of mutants stays valid.
        """
        content = read(self.file)
        first = content.rfind("\n", 0, self.start) + 1
        last = content.find("\n", self.end)
        last = len(content) if last < 0 else last
        changed = content[first : self.start] + self.replacement + content[self.end : last]
        return _one_line(content[first:last]), _one_line(changed)

    def __str__(self) -> str:
        before, after = self.lines()
        return f"{self.file}:{self.line}\n    - {before}\n    + {after}"


def read(file: str) -> str:
    """The text of a file of the checkout."""
    return Path(ROOT, file).read_text(encoding="utf-8")


def _one_line(text: str) -> str:
    return " ".join(text.split())
