"""Reads the commands of a page, with the answers that it shows, and runs them."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A command and its answer, in which `...` stands for anything, as in doctest.

    Attributes:
        command: the command line.
        answer: what it prints; "" if the page does not show it.
    """

    command: str
    answer: str

    def is_like(self, printed: str) -> bool:
        """Whether what was printed is what the page shows, whatever its spaces."""
        pieces = (re.escape(_even(piece)) for piece in self.answer.split("..."))
        return (
            re.fullmatch(r"\s*" + r".*?".join(pieces) + r"\s*", _even(printed), re.DOTALL)
            is not None
        )


def examples(page: Path) -> Iterator[Example]:
    """Yield the examples of a page, in the order in which a reader meets them."""
    for block in _BLOCK.findall(page.read_text("utf-8")):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, answer = part.partition("\n")
            yield Example(command, answer.replace("<BLANKLINE>", "").strip("\n"))


def run(command: str, folder: Path) -> str:
    """Run a command in a folder, as a reader does; returns what it printed."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TABLEGATE_", "COLUMNS"))}
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=kept,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    # 2: some rows were rejected, as the page shows.
    assert done.returncode in (0, 2), f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _even(text: str) -> str:
    """A text with its runs of spaces and line ends as one space."""
    return " ".join(text.split())
