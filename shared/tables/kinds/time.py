"""Time: a time of day, to the microsecond."""

import re
from collections.abc import Mapping
from datetime import time
from typing import Annotated, Any, ClassVar

import msgspec

from shared.errors import ConfigurationError
from shared.lazy import sqlalchemy as sa
from shared.tables import iso
from shared.tables.bulk import Numbers
from shared.tables.column import escape
from shared.tables.kind import FormInput, Kind, refuse
from shared.tables.refusal import Reason

_EXAMPLE = "16:02:08"
# In microseconds.
_SECOND = 1_000_000
_DAY = 24 * 60 * 60 * _SECOND
_ISO = re.compile(iso.TIME, re.ASCII).fullmatch


class Time(iso.IsoColumn, Kind):
    """A time of day as ISO 8601 writes it, `16:02:08`, with up to six decimals and no offset."""

    reasons: ClassVar[Mapping[str, Reason]] = {
        "not_a_time": Reason("Not a time of day", "Not a time of day; write it like 16:02:08."),
        "time_out_of_range": Reason(
            "Time out of range", "Must be from {minimum} to {maximum}; correct it."
        ),
    }

    def __init__(
        self, *, minimum: str = "00:00:00", maximum: str = "23:59:59.999999", **options: Any
    ) -> None:
        """Describe a field.

        Args:
            minimum: the first time of day, in ISO 8601.
            maximum: the last one.
            options: those of every kind.

        Raises:
            ConfigurationError: the limits are not times in their order.
        """
        limits = (minimum, maximum)
        is_usable = all(isinstance(one, str) and _ISO(one) for one in limits)
        if not is_usable or time.fromisoformat(minimum) > time.fromisoformat(maximum):
            raise ConfigurationError(
                f"A Time from {minimum!r} to {maximum!r} is impossible; give times like "
                f"{_EXAMPLE!r}, in their order."
            )
        self.minimum, self.maximum = map(time.fromisoformat, limits)
        super().__init__(**options)

    def from_json(self, value: Any) -> time:
        """Accept a text in that format."""
        if not isinstance(value, str) or not _ISO(value):
            raise refuse("not_a_time")
        found = time.fromisoformat(value)
        if not self.minimum <= found <= self.maximum:
            limits = {"minimum": str(self.minimum), "maximum": str(self.maximum)}
            raise refuse("time_out_of_range", **limits)
        return found

    def from_cell(self, cell: str) -> time:
        """Accept the same texts."""
        return self.from_json(cell)

    @property
    def _is_limited(self) -> bool:
        return (self.minimum, self.maximum) != (time.min, time.max)

    @property
    def cell_pattern(self) -> str | None:
        """Every time, if there are no limits."""
        return None if self._is_limited else iso.PLAIN_TIME

    def is_data(self, cell: str) -> bool:
        """Treat what looks like a time as data."""
        return _ISO(cell) is not None

    @property
    def json_type(self) -> Any:
        """A text in the format; limits are left to the rule."""
        if self._is_limited:
            return None
        return Annotated[str, msgspec.Meta(pattern=rf"\A{iso.PLAIN_TIME}\Z")]

    def json_schema(self) -> dict[str, Any]:
        """Describe the format: `time` in JSON Schema has an offset, so there is only a pattern."""
        return {"type": "string", "pattern": f"^{iso.TIME}$"}

    def example(self, name: str) -> str:
        """Return a time, or the limit that is closest to it."""
        del name
        return str(min(max(time.fromisoformat(_EXAMPLE), self.minimum), self.maximum))

    form_input = FormInput(placeholder=_EXAMPLE)

    postgres_type = "time"

    def sqlalchemy_type(self) -> Any:
        """Time without a time zone."""
        return sa.Time()

    avro_type: ClassVar[Any] = {"type": "long", "logicalType": "time-micros"}
    avro_sql = "cast(extract(epoch from {}) * 1000000 as bigint)"
    avro_of_copy = staticmethod(int)

    def to_avro(self, value: time) -> int:
        """Count the microseconds since midnight."""
        seconds = (value.hour * 60 + value.minute) * 60 + value.second
        return seconds * _SECOND + value.microsecond

    @property
    def bulk(self) -> Numbers:
        """Microseconds since midnight, in both."""
        return Numbers(
            ("time_send({})",), first=self.to_avro(self.minimum), last=self.to_avro(self.maximum)
        )

    def from_avro(self, value: Any) -> Any:
        """Convert microseconds; PostgreSQL checks a text.

        Raises:
            OverflowError: it is not within a day.
        """
        if type(value) is int:
            if not 0 <= value < _DAY:
                raise OverflowError("a time of day is not within a day")
            seconds, micros = divmod(value, _SECOND)
            return time(seconds // 3600, seconds // 60 % 60, seconds % 60, micros)
        return escape(value) if isinstance(value, str) else value

    def accepts_avro(self, declared: Any) -> bool:
        """Accept times and texts; a bare number might be anything."""
        if not isinstance(declared, dict):
            return bool(declared == "string")
        plain, logical = declared.get("type"), declared.get("logicalType")
        is_time = (plain, logical) in (("long", "time-micros"), ("int", "time-millis"))
        return plain == "string" or is_time

    avro_taken = "long as time-micros, int as time-millis, or string"

    def json_of_avro(self, value: Any) -> Any:
        """Write ISO 8601; a number beyond a day becomes its digits, which are rejected."""
        if type(value) is int:
            try:
                value = self.from_avro(value)
            except OverflowError:
                return str(value)
        return value.isoformat() if isinstance(value, time) else value

    bigquery_type = "TIME"
    postgres_canonical = f"cast({avro_sql} as text)"
    bigquery_canonical = "cast(time_diff({}, time '00:00:00', microsecond) as string)"
