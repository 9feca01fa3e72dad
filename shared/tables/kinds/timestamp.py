"""Timestamp: a moment, to the microsecond."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.errors import ConfigurationError
from shared.lazy import postgresql
from shared.tables import iso
from shared.tables.bulk import Numbers
from shared.tables.column import escape
from shared.tables.kind import CellEncoder, ColumnCheck, FormInput, Kind, refuse
from shared.tables.refusal import Reason

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXAMPLE = "2021-07-27T16:02:08Z"

_MOMENTS = ("timestamp-micros", "timestamp-millis", "timestamp-nanos")
_LOCAL_TIMES = ("local-timestamp-micros", "local-timestamp-millis")

# The same as in the JSON Schema. Python itself accepts +00:99, and newer versions the hour 24.
_SCHEMA_MOMENT = f"{iso.DATE}T{iso.TIME}"
_ISO = re.compile(rf"{_SCHEMA_MOMENT}{iso.OFFSET}?", re.ASCII).fullmatch
_IN_UTC = re.compile(f"{_SCHEMA_MOMENT}Z", re.ASCII).fullmatch

_PLAIN_CELL = f"{iso.PLAIN_DATE}T{iso.PLAIN_TIME}Z"
# No moment that an offset moves out of years 0001 to 9999.
_PLAIN_JSON = (
    rf"(?!0000|0001|9999){iso.ATOMIC_DATE}T{iso.ATOMIC_TIME}"
    r"(?>Z|[+-](?>0[0-9]|1[0-4]):[0-5][0-9])"
)
_all_plain = iso.column_check(_PLAIN_JSON)


def micros(moment: datetime) -> int:
    """Convert a moment to microseconds since 1970."""
    return (moment - EPOCH) // timedelta(microseconds=1)


_FIRST = micros(datetime.min.replace(tzinfo=UTC))
_LAST = micros(datetime.max.replace(tzinfo=UTC))


class Timestamp(iso.IsoColumn, Kind):
    """A moment as ISO 8601 writes it, `2021-07-27T16:02:08Z`, with its offset.

    Extended format, seconds, up to six decimals, `Z` or `±hh:mm`. It is stored in UTC.

    A field with a `zone` also takes times without offset, as the clocks there show them. When they
    are put back, they show an hour twice, and when they are put forward, they skip one: such a time
    is rejected unless `ambiguous` says which of its two moments is meant.
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
        "local_time_skipped": Reason(
            "Local time skipped",
            "Clocks skip this local time when they change; correct it, or give the offset.",
        ),
        "local_time_twice": Reason(
            "Local time shown twice",
            "Clocks show this local time twice when they change; give the offset, like +02:00.",
        ),
        "timestamp_out_of_range": Reason(
            "Timestamp out of range", "In UTC it falls outside the years 0001 to 9999; correct it."
        ),
    }

    def __init__(
        self,
        *,
        zone: str | None = None,
        ambiguous: Literal["earlier", "later"] | None = None,
        **options: Any,
    ) -> None:
        """Describe a field.

        Args:
            zone: the time zone of values without an offset, such as `Europe/Berlin`; without one
                such a value is rejected.
            ambiguous: the moment that a time means which clocks show twice or skip: the `earlier`
                or the `later` one. Without it such a value is rejected.
            options: those of every kind.

        Raises:
            ConfigurationError: there is no such time zone, or an option has no effect.
        """
        self.zone = None if zone is None else _zone(zone)
        if ambiguous is not None and (zone is None or ambiguous not in ("earlier", "later")):
            raise ConfigurationError(
                f"ambiguous={ambiguous!r} of a Timestamp has no meaning: it is 'earlier' or "
                "'later', for a field with a zone."
            )
        self.ambiguous = ambiguous
        super().__init__(**options)

    def from_json(self, value: Any) -> datetime:
        """Accept a text in that format."""
        if not isinstance(value, str) or not _ISO(value):
            raise refuse("not_a_timestamp")
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise refuse("not_a_timestamp") from None
        try:
            return self._in_utc(moment) if moment.tzinfo is None else moment.astimezone(UTC)
        except OverflowError:
            raise refuse("timestamp_out_of_range") from None

    def _in_utc(self, local: datetime) -> datetime:
        if self.zone is None:
            raise refuse("no_offset")
        first, second = (
            local.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1)
        )
        if first == second:
            return first
        if self.ambiguous is None:
            # The offset before the change gives the earlier moment of a time that is shown twice.
            raise refuse("local_time_twice" if first < second else "local_time_skipped")
        return min(first, second) if self.ambiguous == "earlier" else max(first, second)

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

    def values_of_cells(self, cells: Sequence[str]) -> Iterable[datetime]:
        """Read ISO 8601; moments compare alike whatever their offset."""
        return map(datetime.fromisoformat, cells)

    def values_of_json(self, values: Sequence[str]) -> Iterable[datetime]:
        """Read the same texts."""
        return map(datetime.fromisoformat, values)

    def json_schema(self) -> dict[str, Any]:
        """Describe the format strictly: `date-time` also allows a space, or a small t or z."""
        offset = iso.OFFSET if self.zone is None else f"{iso.OFFSET}?"
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
        known = _MOMENTS if self.zone is None else _MOMENTS + _LOCAL_TIMES
        return type_ == "string" or (type_ == "long" and logical in known)

    @property
    def avro_taken(self) -> str:
        """Return the logical types."""
        known = _MOMENTS if self.zone is None else _MOMENTS + _LOCAL_TIMES
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


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(
            f"There is no time zone {name!r}; give a name of the IANA database, such as "
            "'Europe/Berlin'."
        ) from None


def _in_utc(cell: str) -> str | None:
    if not _IN_UTC(cell):
        return None
    try:
        datetime.fromisoformat(cell)
    except ValueError:
        return None
    return cell
