"""Integer: a whole number."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, ClassVar

import msgspec

from shared.errors import ConfigurationError
from shared.lazy import sqlalchemy as sa
from shared.tables.bulk import Numbers
from shared.tables.kind import FormInput, Kind, refuse
from shared.tables.refusal import Reason

MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
_TOO_LARGE = "9" * 20

_DIGITS = re.compile(r"-?[0-9]+", re.ASCII).fullmatch


class Integer(Kind):
    """A 64-bit integer; in a cell, ASCII digits, perhaps after a minus, and nothing else."""

    reasons: ClassVar[Mapping[str, Reason]] = {
        "not_an_integer": Reason(
            "Not an integer",
            "Not a whole number; write digits only, without plus, point, space or quotation marks.",
        ),
        "out_of_range": Reason(
            "Integer out of range",
            "Must be from {minimum} to {maximum}; give a number in that range.",
        ),
    }

    def __init__(
        self, *, minimum: int = MIN_INTEGER, maximum: int = MAX_INTEGER, **options: Any
    ) -> None:
        """Describe a field.

        Args:
            minimum: the smallest value.
            maximum: the largest value.
            options: those of every kind.

        Raises:
            ConfigurationError: the limits are not 64-bit integers in their order.
        """
        if not MIN_INTEGER <= minimum <= maximum <= MAX_INTEGER:
            raise ConfigurationError(
                f"An Integer from {minimum} to {maximum} is impossible; give a minimum that is not "
                "above the maximum, both within 64 bits."
            )
        self.minimum, self.maximum = minimum, maximum
        super().__init__(**options)

    def from_json(self, value: Any) -> int:
        """Accept an integer, but not a boolean or a float that happens to be whole."""
        if type(value) is not int:
            raise refuse("not_an_integer")
        if not self.minimum <= value <= self.maximum:
            raise refuse("out_of_range", minimum=self.minimum, maximum=self.maximum)
        return value

    def from_cell(self, cell: str) -> int:
        """Accept digits, without point or space."""
        if not _DIGITS(cell):
            raise refuse("not_an_integer")
        if len(cell) > 4000:
            # int() refuses thousands of digits, and twenty are already out of range.
            cell = f"-{_TOO_LARGE}" if cell.startswith("-") else _TOO_LARGE
        return self.from_json(int(cell))

    @cached_property
    def cell_pattern(self) -> str | None:
        """Numbers of so few digits that none of them is out of range."""
        if not self.minimum <= 1 <= self.maximum:
            return None
        digits = len(str(self.maximum + 1)) - 1
        not_zero = f"[1-9][0-9]{{0,{digits - 1}}}" if digits else f"[1-{self.maximum}]"
        if self.minimum == 1 or not digits:
            return f"0{{0,17}}{not_zero}"
        positive = f"[0-9]{{1,{digits}}}"
        negative = len(str(1 - self.minimum)) - 1
        return f"(?:{positive}|-[0-9]{{1,{negative}}})" if negative else positive

    def is_data(self, cell: str) -> bool:
        """Treat digits as data: no column has such a name."""
        return cell.isascii() and cell.removeprefix("-").isdigit()

    @property
    def json_type(self) -> Any:
        """An integer within the limits."""
        return Annotated[int, msgspec.Meta(ge=self.minimum, le=self.maximum)]

    def values_of_cells(self, cells: Sequence[str]) -> Iterable[int]:
        """Read the digits."""
        return map(int, cells)

    def values_of_json(self, values: Sequence[int]) -> Iterable[int]:
        """Return the integers."""
        return values

    def json_schema(self) -> dict[str, Any]:
        """Describe the range."""
        limits = {"minimum": self.minimum, "maximum": self.maximum}
        return {"type": "integer", "format": "int64", **limits}

    def example(self, name: str) -> int:
        """Return 1, or the limit that is closest to it."""
        del name
        return min(max(1, self.minimum), self.maximum)

    form_input = FormInput(inputmode="numeric", sends="integer")

    postgres_type = "bigint"

    def sqlalchemy_type(self) -> Any:
        """BigInteger."""
        return sa.BigInteger()

    def copy_text(self, value: int) -> str:
        """Write the digits."""
        return str(value)

    avro_type = "long"
    avro_of_copy = staticmethod(int)

    @cached_property
    def bulk(self) -> Numbers:
        """Numbers as they are."""
        return Numbers(("int8send({})",), first=self.minimum, last=self.maximum)

    def accepts_avro(self, declared: Any) -> bool:
        """Accept an int or long without a logical type, such as a timestamp."""
        if isinstance(declared, dict):
            return declared.get("type") in ("int", "long") and declared.get("logicalType") is None
        return declared in ("int", "long")

    avro_taken = "int or long"

    bigquery_type = "INT64"
    postgres_canonical = "cast({} as text)"
    bigquery_canonical = "cast({} as string)"
