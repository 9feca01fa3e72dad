"""Date: a day of the calendar."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from shared.errors import ConfigurationError
from shared.lazy import sqlalchemy as sa
from shared.tables import iso
from shared.tables.bulk import Numbers
from shared.tables.column import escape
from shared.tables.kind import ColumnCheck, FormInput, Kind, refuse
from shared.tables.refusal import Reason

_DAYS_TO_2000 = 10_957
_EPOCH = date(1970, 1, 1)
_EXAMPLE = "2021-07-27"
_ISO = re.compile(iso.DATE, re.ASCII).fullmatch
_all_plain = iso.column_check(rf"(?!0000){iso.ATOMIC_DATE}")


class Date(iso.IsoColumn, Kind):
    """A day as ISO 8601 writes it, `2021-07-27`, in the years 0001 to 9999."""

    reasons: ClassVar[Mapping[str, Reason]] = {
        "not_a_date": Reason("Not a date", "Not a day of the calendar; write it like 2021-07-27."),
        "date_out_of_range": Reason(
            "Date out of range", "Must be from {minimum} to {maximum}; correct it."
        ),
    }

    def __init__(
        self, *, minimum: str = "0001-01-01", maximum: str = "9999-12-31", **options: Any
    ) -> None:
        """Describe a field.

        Args:
            minimum: the first day, in ISO 8601.
            maximum: the last day.
            options: those of every kind.

        Raises:
            ConfigurationError: the limits are not days in their order.
        """
        try:
            self.minimum, self.maximum = map(date.fromisoformat, (minimum, maximum))
            is_usable = self.minimum <= self.maximum
        except (TypeError, ValueError):
            is_usable = False
        if not is_usable:
            raise ConfigurationError(
                f"A Date from {minimum!r} to {maximum!r} is impossible; give days like "
                f"{_EXAMPLE!r}, in their order."
            )
        super().__init__(**options)

    def from_json(self, value: Any) -> date:
        """Accept a text in that format."""
        if not isinstance(value, str) or not _ISO(value):
            raise refuse("not_a_date")
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise refuse("not_a_date") from None
        if not self.minimum <= day <= self.maximum:
            limits = {"minimum": str(self.minimum), "maximum": str(self.maximum)}
            raise refuse("date_out_of_range", **limits)
        return day

    def from_cell(self, cell: str) -> date:
        """Accept the same texts."""
        return self.from_json(cell)

    @property
    def _is_limited(self) -> bool:
        return (self.minimum, self.maximum) != (date.min, date.max)

    @property
    def cell_pattern(self) -> str | None:
        """Days of most years, if there are no limits."""
        return None if self._is_limited else iso.PLAIN_DATE

    def is_data(self, cell: str) -> bool:
        """Treat what looks like a day as data."""
        return _ISO(cell) is not None

    json_type = str

    @property
    def json_check(self) -> ColumnCheck:
        """Check the whole column with one regular expression; its texts sort like its days."""
        if not self._is_limited:
            return _all_plain
        first, last = str(self.minimum), str(self.maximum)
        return lambda column: (
            _all_plain(column) and (not column or first <= min(column) <= max(column) <= last)
        )

    def json_schema(self) -> dict[str, Any]:
        """Describe the format."""
        return {"type": "string", "format": "date", "pattern": f"^{iso.DATE}$"}

    def example(self, name: str) -> str:
        """Return a day, or the limit that is closest to it."""
        del name
        return str(min(max(date.fromisoformat(_EXAMPLE), self.minimum), self.maximum))

    form_input = FormInput(placeholder=_EXAMPLE)

    postgres_type = "date"

    def sqlalchemy_type(self) -> Any:
        """Date."""
        return sa.Date()

    avro_type: ClassVar[Any] = {"type": "int", "logicalType": "date"}
    avro_sql = "{} - date '1970-01-01'"
    avro_of_copy = staticmethod(int)

    @property
    def bulk(self) -> Numbers:
        """Days, which PostgreSQL counts from 2000."""
        return Numbers(
            ("date_send({})",),
            first=self.to_avro(self.minimum),
            last=self.to_avro(self.maximum),
            width=4,
            origin=_DAYS_TO_2000,
            infinite=(2**31 - 1, -(2**31)),
            infinite_error="A date is infinite, which Avro cannot hold; correct the row.",
        )

    def to_avro(self, value: date) -> int:
        """Count the days since 1970."""
        return (value - _EPOCH).days

    def from_avro(self, value: Any) -> Any:
        """Convert days since 1970; PostgreSQL checks a text.

        Raises:
            OverflowError: its year is not between 1 and 9999.
        """
        if type(value) is int:
            return _EPOCH + timedelta(days=value)
        return escape(value) if isinstance(value, str) else value

    def accepts_avro(self, declared: Any) -> bool:
        """Accept days and texts; a bare number might be anything."""
        if not isinstance(declared, dict):
            return bool(declared == "string")
        plain, logical = declared.get("type"), declared.get("logicalType")
        return plain == "string" or (plain, logical) == ("int", "date")

    avro_taken = "int as date, or string"

    def json_of_avro(self, value: Any) -> Any:
        """Write ISO 8601."""
        if type(value) is int:
            value = self.from_avro(value)
        # A datetime is a date, too.
        is_day = isinstance(value, date) and not isinstance(value, datetime)
        return value.isoformat() if is_day else value

    bigquery_type = "DATE"
    postgres_canonical = f"cast({avro_sql} as text)"
    bigquery_canonical = "cast(unix_date({}) as string)"
