"""How commands fail, and the exit codes.

Failure           the command cannot do it; one line says why and what to do
└── Refused         a platform answered with a problem
"""

from collections.abc import Mapping
from typing import Any

import click

OK, FAILED, SOME_REJECTED, USAGE, INTERRUPTED = 0, 1, 2, 64, 130

EXIT_CODES = {
    OK: "All is well: everything was stored, or done.",
    FAILED: "It could not be done, or a file failed; the last line says why and what to do.",
    SOME_REJECTED: "Some rows were rejected, or are still open; all others are stored.",
    USAGE: "The command line cannot be understood (EX_USAGE of sysexits.h).",
    INTERRUPTED: "It was interrupted with Ctrl-C.",
}


class Failure(click.ClickException):
    """The command cannot do it; the message says why and what to do."""

    exit_code = FAILED


class Refused(Failure):
    """A platform answered with a problem.

    Attributes:
        status: the HTTP status.
        problem: the problem details; empty if the answer was something else.
    """

    def __init__(self, status: int, problem: Mapping[str, Any], message: str) -> None:
        super().__init__(message)
        self.status, self.problem = status, problem

    @property
    def slug(self) -> str:
        """The last word of the problem's type."""
        return str(self.problem.get("type", "")).rpartition(":")[2]
