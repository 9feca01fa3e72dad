"""LocalTimestamp: a date and a time of day, wherever that was."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from shared.lazy import sqlalchemy as sa
from shared.tables import iso
from shared.tables.bulk import LocalTimes
from shared.tables.column import escape
from shared.tables.kind import ColumnCheck, FormInput, Kind, refuse
from shared.tables.refusal import Reason

_EXAMPLE = "2021-07-27T16:02:08"
_ISO = re.compile(f"{iso.DATE}T{iso.TIME}", re.ASCII).fullmatch
_all_plain = iso.column_check(rf"(?!0000){iso.ATOMIC_DATE}T{iso.ATOMIC_TIME}")
_LOCAL_TIMES = ("local-timestamp-micros", "local-timestamp-millis")


class LocalTimestamp(iso.IsoColumn, Kind):
    """A date and a time of day without offset, `2021-07-27T16:02:08`, with up to six decimals."""

    reasons: ClassVar[Mapping[str, Reason]] = {
        "not_a_local_timestamp": Reason(
            "Not a local timestamp",
            "Not an ISO 8601 date and time without offset; write it like 2021-07-27T16:02:08.",
        ),
    }

    def from_json(self, value: Any) -> datetime:
        """Accept a text in that format."""
        if not isinstance(value, str) or not _ISO(value):
            raise refuse("not_a_local_timestamp")
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            raise refuse("not_a_local_timestamp") from None

    def from_cell(self, cell: str) -> datetime:
        """Accept the same texts."""
        return self.from_json(cell)

    cell_pattern = f"{iso.PLAIN_DATE}T{iso.PLAIN_TIME}"

    def is_data(self, cell: str) -> bool:
        """Treat what looks like a timestamp as data."""
        return _ISO(cell) is not None

    json_type = str

    @property
    def json_check(self) -> ColumnCheck:
        """Check the whole column with one regular expression."""
        return _all_plain

    def json_schema(self) -> dict[str, Any]:
        """Describe the format: `date-time` in JSON Schema has an offset, so there is a pattern."""
        return {"type": "string", "pattern": f"^{iso.DATE}T{iso.TIME}$"}

    def example(self, name: str) -> str:
        """Return a date and time."""
        del name
        return _EXAMPLE

    form_input = FormInput(placeholder=_EXAMPLE)

    postgres_type = "timestamp"

    def sqlalchemy_type(self) -> Any:
        """Timestamp without a time zone."""
        return sa.DateTime()

    # BigQuery loads it as DATETIME; not everything that reads Avro knows local timestamps.
    # Source: https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-avro#logical_types
    avro_type: ClassVar[Any] = {"type": "string", "logicalType": "datetime"}
    avro_sql = "to_char({}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
    avro_of_copy = staticmethod(str)
    bulk = LocalTimes(
        infinite_error="A local timestamp is infinite, which Avro cannot hold; correct the row."
    )

    def to_avro(self, value: datetime) -> str:
        """Write ISO 8601."""
        return value.isoformat()

    def from_avro(self, value: Any) -> Any:
        """Return what fastavro has decoded; PostgreSQL checks a text."""
        return escape(value) if isinstance(value, str) else value

    def accepts_avro(self, declared: Any) -> bool:
        """Accept local times and texts; moments have no local time."""
        if not isinstance(declared, dict):
            return bool(declared == "string")
        plain, logical = declared.get("type"), declared.get("logicalType")
        return plain == "string" or (plain == "long" and logical in _LOCAL_TIMES)

    avro_taken = f"{', '.join(_LOCAL_TIMES)} or string"

    def json_of_avro(self, value: Any) -> Any:
        """Write ISO 8601."""
        return value.isoformat() if isinstance(value, datetime) else value

    bigquery_type = "DATETIME"
    postgres_canonical = "cast(cast(extract(epoch from {}) * 1000000 as bigint) as text)"
    bigquery_canonical = "cast(datetime_diff({}, datetime '1970-01-01', microsecond) as string)"
