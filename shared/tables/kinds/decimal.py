"""Decimal: a number with a point, exact to its last digit."""

import decimal
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import msgspec

from shared.errors import ConfigurationError
from shared.lazy import sqlalchemy as sa
from shared.strict_json import Number
from shared.tables.bulk import Decimals
from shared.tables.column import escape
from shared.tables.kind import ColumnCheck, FormInput, Kind, refuse
from shared.tables.refusal import Reason

# What BigQuery's NUMERIC and BIGNUMERIC hold, as digits before and behind the point.
# Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types
# Any number of so many digits fits into 64 bits.
_MOST_BULK_DIGITS = 18
_NUMERIC, _BIGNUMERIC = (29, 9), (38, 38)

_DIGITS = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII).fullmatch
# Exact, whatever is multiplied; a number as long as a row would take long.
_EXACT = decimal.Context(prec=1000)
_LONGEST = 400


class Decimal(Kind):
    """A number with a fixed number of places behind its point, exact to the last digit.

    In JSON it is a text or a number, which is read digit by digit: it is never a float on its way,
    and never rounded. Zeros at its end do not count as places. BigQuery has it as NUMERIC, or as
    BIGNUMERIC if more than 29 digits may stand before the point, or more than 9 behind it.
    """

    reasons: ClassVar[Mapping[str, Reason]] = {
        "not_a_decimal": Reason(
            "Not a decimal",
            "Not a decimal number; write digits, with a point before the places, like -12.50.",
        ),
        "too_many_places": Reason(
            "Too many places",
            "Has more than {places} places behind the point; round it where it comes from.",
        ),
        "decimal_out_of_range": Reason(
            "Decimal out of range",
            "Must be from {minimum} to {maximum}; give a number in that range.",
        ),
    }

    def __init__(
        self,
        *,
        digits: int = 18,
        places: int = 2,
        minimum: str | int | decimal.Decimal | None = None,
        maximum: str | int | decimal.Decimal | None = None,
        **options: Any,
    ) -> None:
        """Describe a field.

        Args:
            digits: the most digits, those behind the point included.
            places: how many of them are behind the point.
            minimum: the smallest value; no float, which would not be exact.
            maximum: the largest value.
            options: those of every kind.

        Raises:
            ConfigurationError: BigQuery has no type for so many digits, or a limit is impossible.
        """
        self.digits, self.places = digits, places
        whole = digits - places
        if not (0 <= places <= _BIGNUMERIC[1] and 0 <= whole <= _BIGNUMERIC[0] and digits):
            raise ConfigurationError(
                f"A Decimal of {digits} digits with {places} places is impossible; at most 38 "
                "digits stand before the point, and 38 behind it."
            )
        most = _EXACT.subtract(decimal.Decimal(f"1e{whole}"), decimal.Decimal(f"1e-{places}"))
        self.minimum = self._limit(minimum, -most)
        self.maximum = self._limit(maximum, most)
        if not -most <= self.minimum <= self.maximum <= most:
            raise ConfigurationError(
                f"A Decimal from {self.minimum} to {self.maximum} is impossible; give limits of "
                f"{digits} digits and {places} places in their order."
            )
        super().__init__(**options)

    @staticmethod
    def _limit(given: str | int | decimal.Decimal | None, otherwise: decimal.Decimal) -> Any:
        if given is None:
            return otherwise
        try:
            limit = None if isinstance(given, float) else _EXACT.create_decimal(given)
            if limit is not None and limit.is_finite():
                return limit
        except (decimal.InvalidOperation, ValueError):
            pass
        raise ConfigurationError(
            f"{given!r} cannot limit a Decimal; write a whole number, or a text like '0.01'."
        )

    def from_json(self, value: Any) -> decimal.Decimal:
        """Accept a text of digits, or a number; a float has lost the digits that were sent."""
        digits = value if isinstance(value, str) else None
        if isinstance(value, Number):
            digits = value.digits
        elif type(value) is int:
            digits = str(value)
        if digits is None or (isinstance(value, str) and not _DIGITS(digits)):
            raise refuse("not_a_decimal")
        if len(digits) > _LONGEST:
            raise self._out_of_range()
        number = _EXACT.create_decimal(digits)
        _, _, exponent = number.normalize(_EXACT).as_tuple()
        if number and isinstance(exponent, int) and -exponent > self.places:
            raise refuse("too_many_places", places=self.places)
        if not self.minimum <= number <= self.maximum:
            raise self._out_of_range()
        # Zero has no sign, here as in the databases.
        return number if number else decimal.Decimal()

    def _out_of_range(self) -> Exception:
        limits = {"minimum": f"{self.minimum:f}", "maximum": f"{self.maximum:f}"}
        return refuse("decimal_out_of_range", **limits)

    def from_cell(self, cell: str) -> decimal.Decimal:
        """Accept the same texts."""
        return self.from_json(cell)

    @cached_property
    def cell_pattern(self) -> str | None:
        """Digits that fit, if no limit is narrower than the digits."""
        found = self._plain("")
        if found is None or self.minimum <= 0:
            return found
        # Zero is out of range, and RE2 cannot look ahead: some digit must be another one.
        above = _whole_digits(self.maximum, self._step)
        fraction = rf"(?:\.[0-9]{{1,{self.places}}})?" if self.places else ""
        below_one = [
            rf"0\.0{{{zeros}}}[1-9][0-9]{{0,{self.places - zeros - 1}}}"
            for zeros in range(min(self.places, 4))
        ]
        return "|".join([f"0{{0,17}}[1-9][0-9]{{0,{above - 1}}}{fraction}", *below_one])

    @property
    def _step(self) -> decimal.Decimal:
        return decimal.Decimal(f"1e-{self.places}")

    def _plain(self, possessive: str) -> str | None:
        """Return a pattern of numbers that are surely within the limits, or None."""
        step = self._step
        above, below = (_whole_digits(one, step) for one in (self.maximum, -self.minimum))
        if not above or self.minimum > step:
            return None
        fraction = rf"(?:\.[0-9]{{1,{self.places}}}{possessive})?" if self.places else ""
        positive = f"[0-9]{{1,{above}}}{possessive}{fraction}"
        if self.minimum == step:
            return f"(?![0.]+(?![0-9.])){positive}"
        negative = f"-[0-9]{{1,{below}}}{possessive}{fraction}"
        return f"(?:{positive}|{negative})" if below else positive

    def is_data(self, cell: str) -> bool:
        """Treat numbers as data."""
        return _DIGITS(cell) is not None

    # The text, since a float would not be exact.
    json_type = msgspec.Raw

    @cached_property
    def json_check(self) -> ColumnCheck:
        """Check the whole column with one regular expression."""
        plain = self._plain("+")
        if plain is None:
            return lambda column: not column
        # JSON's numbers do not begin with a zero, nor end with a point.
        text = rf'(?>"{plain}"|(?!-?0[0-9]){plain})'
        matches = re.compile(rf"(?:{text}\n)*+\Z".encode(), re.ASCII).match
        return lambda column: matches(b"\n".join([*column, b""])) is not None

    def json_schema(self) -> dict[str, Any]:
        """Describe a text or a number, and how it is written."""
        return {
            "type": ["string", "number"],
            "pattern": r"^-?[0-9]+(\.[0-9]+)?$",
            "minimum": math.floor(self.minimum),
            "maximum": math.ceil(self.maximum),
        }

    def example(self, name: str) -> str:
        """Return 1 with all its places, or the limit that is closest to it."""
        del name
        return f"{min(max(decimal.Decimal(1), self.minimum), self.maximum):.{self.places}f}"

    form_input = FormInput(inputmode="text", placeholder="12.50")

    @property
    def postgres_type(self) -> str:
        """Numeric of these digits."""
        return f"numeric({self.digits}, {self.places})"

    def sqlalchemy_type(self) -> Any:
        """Numeric."""
        return sa.Numeric(self.digits, self.places)

    def copy_text(self, value: decimal.Decimal | str) -> str:
        """Write the digits, or a JSON text that the quick check passed without its quotes."""
        return f"{value:f}" if isinstance(value, decimal.Decimal) else value

    def copy_texts(self, values: Sequence[decimal.Decimal | str]) -> Iterable[str]:
        """Return texts unchanged."""
        if set(map(type, values)) == {str}:
            return values  # type: ignore[return-value]
        return map(self.copy_text, values)

    def of_json_texts(self, texts: Sequence[str]) -> Sequence[str]:
        """Strip the quotes."""
        return "\n".join(texts).replace('"', "").split("\n") if texts else []

    @property
    def avro_type(self) -> Any:
        """Bytes of the number without its point."""
        return {
            "type": "bytes",
            "logicalType": "decimal",
            "precision": self.digits,
            "scale": self.places,
        }

    @property
    def bulk(self) -> Decimals | None:
        """Numbers of 64 bits, if all of them fit."""
        return Decimals(self.places) if self.digits <= _MOST_BULK_DIGITS else None

    def avro_of_copy(self, text: str) -> bytes:
        """Encode the digits."""
        return self.to_avro(decimal.Decimal(text))

    def to_avro(self, value: decimal.Decimal) -> bytes:
        """Encode the number without its point, highest byte first, in two's complement."""
        unscaled = int(value.scaleb(self.places, _EXACT))
        # One bit more, for the sign.
        return unscaled.to_bytes(unscaled.bit_length() // 8 + 1, "big", signed=True)

    def from_avro(self, value: Any) -> Any:
        """Decode the bytes; PostgreSQL checks a text."""
        if isinstance(value, bytes):
            return _EXACT.scaleb(int.from_bytes(value, "big", signed=True), -self.places)
        return escape(str(value))

    def accepts_avro(self, declared: Any) -> bool:
        """Accept decimals of any scale, whole numbers and texts, but not floats."""
        if isinstance(declared, dict):
            if declared.get("logicalType") == "decimal":
                return declared.get("type") in ("bytes", "fixed")
            return declared.get("logicalType") is None and declared.get("type") in _AVRO_PLAIN
        return declared in _AVRO_PLAIN

    avro_taken = "decimal, int, long or string"

    def convert_avro(self, declared: Any) -> Any:
        """Convert a decimal of another scale to its digits."""
        if not isinstance(declared, dict) or declared.get("logicalType") != "decimal":
            return None
        scale = declared.get("scale", 0)
        if scale == self.places:
            return None
        return lambda value: f"{_unscaled(value, scale):f}"

    def json_of_avro(self, value: Any) -> Any:
        """Write the digits."""
        return f"{self.from_avro(value):f}" if isinstance(value, bytes) else value

    @property
    def bigquery_type(self) -> str:
        """NUMERIC if it suffices."""
        whole, places = _NUMERIC
        is_small = self.digits - self.places <= whole and self.places <= places
        return "NUMERIC" if is_small else "BIGNUMERIC"

    # Without zeros at the end.
    postgres_canonical = "cast(trim_scale({}) as text)"
    bigquery_canonical = r"rtrim(regexp_replace(cast({} as string), r'(\.[0-9]*?)0+$', r'\1'), '.')"


_AVRO_PLAIN = ("int", "long", "string")


def _unscaled(value: bytes, scale: int) -> decimal.Decimal:
    return _EXACT.scaleb(int.from_bytes(value, "big", signed=True), -scale)


def _whole_digits(limit: decimal.Decimal, step: decimal.Decimal) -> int:
    """Return how many digits a whole part may have so that no such number is above a limit."""
    return max((limit + step).adjusted(), 0)
