"""Reads the commands of a page, with the answers that it shows, and runs them."""

import os
import re
import secrets
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
            while command.endswith("\\"):
                more, _, answer = answer.partition("\n")
                command = f"{command}\n{more}"
            yield Example(command, answer.replace("<BLANKLINE>", "").strip("\n"))


class Shell:
    """A reader's shell, in a folder; variables that a command sets stay for the next.

    Args:
        folder: where it works.
    """

    def __init__(self, folder: Path) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TABLEGATE_", "COLUMNS"))}
        self._process = subprocess.Popen(
            ["sh"],
            cwd=folder,
            env=kept,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def close(self) -> None:
        """End the shell."""
        self._process.communicate(timeout=60)

    def run(self, command: str) -> str:
        """Run a command; returns what it printed."""
        mark = f"--{secrets.token_hex(8)}--"
        assert self._process.stdin is not None and self._process.stdout is not None
        # The command must not read what follows it.
        self._process.stdin.write(f"{{ {command}\n}} </dev/null\necho {mark}$?\n")
        self._process.stdin.flush()
        printed = ""
        for line in self._process.stdout:
            before, found, code = line.partition(mark)
            printed += before
            if found:
                # 2: some rows were rejected, as the page shows.
                assert code.strip() in ("0", "2"), f"$ {command}\n{printed}"
                return printed
        raise AssertionError(f"$ {command}\nended the shell: {printed}")


def _even(text: str) -> str:
    """A text with its runs of spaces and line ends as one space."""
    return " ".join(text.split())
