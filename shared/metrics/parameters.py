"""What a metric can be asked for."""

import re
from dataclasses import dataclass

from shared.errors import UnusableParameter

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class Parameter:
    """A whole number, which the metric's statements know as @name.

    Attributes:
        name: its name in calls and in the statement.
        description: one sentence.
        minimum: the smallest number.
        maximum: the largest number.
        default: the number if a call names none.
        problem: the kind of problem that a call has whose number cannot be used.
    """

    name: str
    description: str
    minimum: int
    maximum: int
    default: int
    problem: str = "unusable-parameter"

    def parse(self, text: str | None) -> int:
        """Parse the number of a call; the default if it is missing.

        Raises:
            UnusableParameter: it is no whole number, or out of range.
        """
        if text is None:
            return self.default
        if not _WHOLE.fullmatch(text) or not self.minimum <= int(text) <= self.maximum:
            raise UnusableParameter(
                f"The {self.name} is a number from {self.minimum} to {self.maximum}, such as "
                f"{self.name}={self.default}."
            )
        return int(text)


YEAR = Parameter("year", "The year, in UTC.", 1900, 2200, 2021, problem="unusable-year")
"""A year that dim_dates knows."""
