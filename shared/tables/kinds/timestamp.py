"""Timestamp: a moment, to the microsecond."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from shared.lazy import postgresql
from shared.tables.bulk import Numbers
from shared.tables.column import escape
from shared.tables.kind import CellEncoder, ColumnCheck, FormInput, Kind, refuse
from shared.tables.refusal import Reason

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXAMPLE = "2021-07-27T16:02:08Z"

_MOMENTS = ("timestamp-micros", "timestamp-millis", "timestamp-nanos")
_LOCAL_TIMES = ("local-timestamp-micros", "local-timestamp-millis")

# The same as in the JSON Schema. Python itself accepts +00:99, and newer versions the hour 24.
_SCHEMA_MOMENT = (
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
    r"T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?"
)
_SCHEMA_OFFSET = r"(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
_ISO = re.compile(rf"{_SCHEMA_MOMENT}(?P<offset>{_SCHEMA_OFFSET})?", re.ASCII).fullmatch
_IN_UTC = re.compile(f"{_SCHEMA_MOMENT}Z", re.ASCII).fullmatch

# Every day that exists in each of these years, in UTC.
_PLAIN_CELL = (
    r"[12][0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    r"|(?:0[13578]|1[02])-31)"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?Z"
)
# Every day that exists in every year, but no moment that an offset moves out of years 0001 to 9999.
# Atomic groups avoid backtracking: a line can be read in only one way.
_PLAIN_JSON = (
    r"(?!0000|0001|9999)[0-9][0-9][0-9][0-9]-"
    r"(?>(?>0[1-9]|1[0-2])-(?>0[1-9]|1[0-9]|2[0-8])|(?>0[13-9]|1[0-2])-(?>29|30)"
    r"|(?>0[13578]|1[02])-31)"
    r"T(?>[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?>\.[0-9]{1,6}+)?"
    r"(?>Z|[+-](?>0[0-9]|1[0-4]):[0-5][0-9])"
)
_PLAIN_COLUMN = re.compile(rf"(?:{_PLAIN_JSON}\n)*+\Z", re.ASCII).match


def micros(moment: datetime) -> int:
    """Convert a moment to microseconds since 1970."""
    return (moment - EPOCH) // timedelta(microseconds=1)


_FIRST = micros(datetime.min.replace(tzinfo=UTC))
_LAST = micros(datetime.max.replace(tzinfo=UTC))


class Timestamp(Kind):
    """A moment as ISO 8601 writes it, `2021-07-27T16:02:08Z`, with its offset.

    Extended format, seconds, up to six decimals, `Z` or `±hh:mm`. The checked value is in UTC.
    """

    reasons: ClassVar[Mapping[str, Reason]] = {
        "not_a_timestamp": Reason(
            "Not a timestamp",
            "Not an ISO 8601 date and time with offset; write it like 2021-07-27T16:02:08Z.",
        ),
        "no_offset": Reason(
            "Timestamp without offset",
            "The offset from UTC is missing; end it with Z or like +02:00.",
        ),
        "timestamp_out_of_range": Reason(
            "Timestamp out of range", "In UTC it falls outside the years 0001 to 9999; correct it."
        ),
    }

    def __init__(self, *, default_timezone: Any = None, **options: Any) -> None:
        self.default_timezone = default_timezone
        super().__init__(**options)

    def from_json(self, value: Any) -> datetime:
        """Accept a text in that format. The offset may be missing if the field has a time zone."""
        found = _ISO(value) if isinstance(value, str) else None
        if found is None:
            raise refuse("not_a_timestamp")
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise refuse("not_a_timestamp") from None
        if found["offset"] is None:
            if self.default_timezone is None:
                raise refuse("no_offset")
            moment = moment.replace(tzinfo=self.default_timezone)
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise refuse("timestamp_out_of_range") from None

    def from_cell(self, cell: str) -> datetime:
        """Accept the same texts."""
        return self.from_json(cell)

    cell_pattern = _PLAIN_CELL

    @property
    def cell_encoder(self) -> CellEncoder:
        """Return the encoder of a moment in UTC, including leap days."""
        return _in_utc

    json_type = str

    @property
    def json_check(self) -> ColumnCheck:
        """Check the whole column with one regular expression."""
        return _all_plain

    def json_schema(self) -> dict[str, Any]:
        """Describe the format strictly: `date-time` also allows a space, or a small t or z."""
        offset = _SCHEMA_OFFSET if self.default_timezone is None else f"{_SCHEMA_OFFSET}?"
        return {"type": "string", "format": "date-time", "pattern": f"^{_SCHEMA_MOMENT}{offset}$"}

    def example(self, name: str) -> str:
        """Return a moment in UTC."""
        del name
        return _EXAMPLE

    form_input = FormInput(placeholder=_EXAMPLE)

    postgres_type = "timestamptz"

    def sqlalchemy_type(self) -> Any:
        """Return TIMESTAMP WITH TIME ZONE."""
        return postgresql.TIMESTAMP(timezone=True)

    def copy_text(self, value: datetime | str) -> str:
        """Write ISO 8601; text that the quick check passed already has that form."""
        return value if isinstance(value, str) else value.isoformat()

    def copy_texts(self, values: Sequence[datetime | str]) -> Iterable[str]:
        """Return texts unchanged."""
        if set(map(type, values)) == {str}:
            return values  # type: ignore[return-value]
        return map(self.copy_text, values)

    # Whole microseconds, which Avro stores unchanged, so that a million rows need no datetimes.
    avro_type: ClassVar[Any] = {"type": "long", "logicalType": "timestamp-micros"}
    avro_sql = "cast(extract(epoch from {}) * 1000000 as bigint)"
    avro_of_copy = staticmethod(int)
    to_avro = staticmethod(micros)
    bulk = Numbers(
        ("timestamptz_send({})",),
        first=_FIRST,
        last=_LAST,
        # PostgreSQL counts from 2000.
        origin=946_684_800_000_000,
        infinite=(2**63 - 1, -(2**63)),
        infinite_error="A timestamp is infinite, which Avro cannot hold; correct the row.",
    )

    def from_avro(self, value: Any) -> Any:
        """Convert microseconds; another precision is a datetime already, PostgreSQL checks a text.

        Raises:
            OverflowError: its year is not between 1 and 9999.
        """
        if isinstance(value, str):
            return escape(value)
        return EPOCH + timedelta(microseconds=value) if type(value) is int else value

    def accepts_avro(self, declared: Any) -> bool:
        """Accept moments and text; local times only if the field has a time zone.

        A bare number might be anything.
        """
        if not isinstance(declared, dict):
            return bool(declared == "string")
        type_, logical = declared.get("type"), declared.get("logicalType")
        known = _MOMENTS if self.default_timezone is None else _MOMENTS + _LOCAL_TIMES
        return type_ == "string" or (type_ == "long" and logical in known)

    @property
    def avro_taken(self) -> str:
        """Return the logical types."""
        known = _MOMENTS if self.default_timezone is None else _MOMENTS + _LOCAL_TIMES
        return f"{', '.join(known)} or string"

    def json_of_avro(self, value: Any) -> Any:
        """Write ISO 8601; a number beyond the calendar becomes its digits, which are rejected."""
        if type(value) is int:
            if not _FIRST <= value <= _LAST:
                return str(value)
            value = self.from_avro(value)
        return value.isoformat() if isinstance(value, datetime) else value

    bigquery_type = "TIMESTAMP"
    postgres_canonical = f"cast({avro_sql} as text)"
    bigquery_canonical = "cast(unix_micros({}) as string)"


def _all_plain(column: Sequence[str]) -> bool:
    text = "\n".join([*column, ""])
    # A value that holds two moments, a line each, is not one.
    return text.count("\n") == len(column) and _PLAIN_COLUMN(text) is not None


def _in_utc(cell: str) -> str | None:
    if not _IN_UTC(cell):
        return None
    try:
        datetime.fromisoformat(cell)
    except ValueError:
        return None
    return cell
