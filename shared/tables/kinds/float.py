"""Float: a finite binary floating-point number."""

import math
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar

import msgspec

from shared.errors import ConfigurationError
from shared.lazy import sqlalchemy as sa
from shared.tables.bulk import Doubles
from shared.tables.column import escape
from shared.tables.kind import FormInput, Kind, refuse
from shared.tables.refusal import Reason

_LARGEST = 1.7976931348623157e308
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII).fullmatch

# Short of the largest number, whose fifteen digits would be rounded to an infinite one.
_SCALED = "(case when abs({0}) > 1e300 then {0} / 1024 else {0} end)"
_SHORT = "to_char({0}, '9.99999999999999EEEE')"
_SHORT_THERE = "format('%.14e', {0})"


def _left(short: str, type_: str) -> str:
    return short.format(f"{_SCALED} - cast({short.format(_SCALED)} as {type_})")


_LEFT = _left(_SHORT, "double precision")
_LEFT_THERE = _left(_SHORT_THERE, "float64")


class Float(Kind):
    """A number of double precision, which keeps 15 to 17 digits; never infinite, never NaN.

    Further digits are rounded, and -0 becomes 0. Money and other exact numbers are a Decimal.
    """

    reasons: ClassVar[Mapping[str, Reason]] = {
        "not_a_number": Reason(
            "Not a number", "Not a number; write digits, like -0.5 or 2.5e-7, without quotes."
        ),
        "number_out_of_range": Reason(
            "Number out of range", "Must be from {minimum} to {maximum}; give a number in there."
        ),
    }

    def __init__(
        self, *, minimum: float = -_LARGEST, maximum: float = _LARGEST, **options: Any
    ) -> None:
        """Describe a field.

        Args:
            minimum: the smallest value.
            maximum: the largest value.
            options: those of every kind.

        Raises:
            ConfigurationError: the limits are not finite numbers in their order.
        """
        if not -_LARGEST <= minimum <= maximum <= _LARGEST:
            raise ConfigurationError(
                f"A Float from {minimum} to {maximum} is impossible; give finite limits in order."
            )
        self.minimum, self.maximum = float(minimum), float(maximum)
        super().__init__(**options)

    def from_json(self, value: Any) -> float:
        """Accept a number; digits beyond the precision are rounded, as everywhere."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refuse("not_a_number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not self.minimum <= number <= self.maximum:
            raise refuse("number_out_of_range", minimum=self.minimum, maximum=self.maximum)
        # Zero has no sign, so that equal rows are the same in all systems.
        return number + 0.0

    def from_cell(self, cell: str) -> float:
        """Accept a number as JSON writes it, also with zeros in front."""
        if not _NUMBER(cell):
            raise refuse("not_a_number")
        return self.from_json(float(cell))

    @cached_property
    def cell_pattern(self) -> str | None:
        """Numbers of few digits, if no limit is near; not zero with a minus."""
        if self.minimum > -1e15 or self.maximum < 1e15:
            return None
        fraction = r"(?:\.[0-9]{1,40})?"
        below_zero = rf"-[1-9][0-9]{{0,14}}{fraction}|-0\.0{{0,9}}[1-9][0-9]{{0,30}}"
        return rf"[0-9]{{1,15}}{fraction}|{below_zero}"

    def is_data(self, cell: str) -> bool:
        """Treat numbers as data."""
        return _NUMBER(cell) is not None

    @property
    def json_type(self) -> Any:
        """A number within the limits."""
        return Annotated[float, msgspec.Meta(ge=self.minimum, le=self.maximum)]

    def json_schema(self) -> dict[str, Any]:
        """Describe the range."""
        return {
            "type": "number",
            "format": "double",
            "minimum": self.minimum,
            "maximum": self.maximum,
        }

    def example(self, name: str) -> float:
        """Return a half, or the limit that is closest to it."""
        del name
        return min(max(0.5, self.minimum), self.maximum)

    form_input = FormInput(placeholder="0.5", sends="json")

    @property
    def key_bytes(self) -> None:
        """No key has it: a float is rarely exactly another one."""

    postgres_type = "double precision"

    def sqlalchemy_type(self) -> Any:
        """Double precision."""
        return sa.Double()

    def copy_text(self, value: float) -> str:
        """Write the shortest digits that give the number again."""
        return repr(float(value) + 0.0)

    avro_type = "double"
    avro_of_copy = staticmethod(float)
    bulk = Doubles()

    def from_avro(self, value: Any) -> Any:
        """Return a number, or the text for PostgreSQL to check."""
        return value if isinstance(value, int | float) else escape(str(value))

    def accepts_avro(self, declared: Any) -> bool:
        """Accept numbers without a logical type."""
        plain = declared
        if isinstance(declared, dict) and declared.get("logicalType") is None:
            plain = declared.get("type")
        return plain in ("double", "float", "int", "long")

    avro_taken = "double, float, int or long"

    bigquery_type = "FLOAT64"

    # Fifteen digits, and what they leave, which has so few bits that fifteen digits suffice for it.
    postgres_canonical = f"replace({_SHORT} || '/' || {_LEFT}, ' ', '')"
    bigquery_canonical = f"concat({_SHORT_THERE}, '/', {_LEFT_THERE})"
