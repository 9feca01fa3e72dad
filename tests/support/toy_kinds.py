"""Kinds of field that the platform does not have: what one file must hold, and no more.

`Flag` goes the quick way through both gates; `Day` opts out and leaves each value to its rule.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, ClassVar

import sqlalchemy as sa

from shared.tables.kind import FormInput, Kind, refuse
from shared.tables.refusal import Reason

EPOCH = date(1970, 1, 1)


class Flag(Kind):
    """Yes or no: `true` or `false`."""

    reasons: ClassVar[Mapping[str, Reason]] = {
        "not_a_flag": Reason("Not a flag", "Must be true or false; write one of them.")
    }

    def from_json(self, value: Any) -> bool:
        """A JSON boolean."""
        if type(value) is not bool:
            raise refuse("not_a_flag")
        return value

    def from_cell(self, cell: str) -> bool:
        """One of the two words."""
        if cell not in ("true", "false"):
            raise refuse("not_a_flag")
        return cell == "true"

    cell_pattern = "true|false"
    json_type = bool

    def json_schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}

    def example(self, name: str) -> bool:
        """True."""
        return True

    form_input = FormInput(placeholder="true")

    postgres_type = "boolean"

    def sqlalchemy_type(self) -> Any:
        """Boolean."""
        return sa.Boolean()

    def copy_text(self, value: bool) -> str:
        """One of the two words."""
        return "true" if value else "false"

    avro_type = "boolean"

    def avro_of_copy(self, text: str) -> bool:
        """PostgreSQL writes a letter."""
        return text == "t"

    bigquery_type = "BOOL"
    postgres_canonical = "cast({} as text)"
    bigquery_canonical = "cast({} as string)"


class Day(Kind):
    """A day, `2021-07-27`."""

    reasons: ClassVar[Mapping[str, Reason]] = {
        "not_a_day": Reason("Not a day", "Must be a day; write it like 2021-07-27.")
    }

    def from_json(self, value: Any) -> date:
        """A text of ten characters that names a day of the calendar."""
        try:
            if len(value) == 10:
                return date.fromisoformat(value)
        except (TypeError, ValueError):
            pass
        raise refuse("not_a_day")

    def from_cell(self, cell: str) -> date:
        """The same."""
        return self.from_json(cell)

    cell_pattern = None
    json_type = None

    def json_schema(self) -> dict[str, Any]:
        """A text in the format of a day."""
        return {"type": "string", "format": "date"}

    def example(self, name: str) -> str:
        """A day."""
        return "2021-07-27"

    form_input = FormInput(placeholder="2021-07-27")

    postgres_type = "date"

    def sqlalchemy_type(self) -> Any:
        """Date."""
        return sa.Date()

    def copy_text(self, value: date) -> str:
        """ISO 8601."""
        return value.isoformat()

    avro_type: ClassVar[Any] = {"type": "int", "logicalType": "date"}

    avro_sql = "{} - date '1970-01-01'"
    avro_of_copy = staticmethod(int)

    def to_avro(self, value: date) -> int:
        """The days since 1970."""
        return (value - EPOCH).days

    def from_avro(self, value: int) -> date:
        """The day."""
        return EPOCH + timedelta(days=value)

    def json_of_avro(self, value: int) -> str:
        """ISO 8601, as JSON has it."""
        return self.from_avro(value).isoformat()

    bigquery_type = "DATE"
    postgres_canonical = "cast({} - date '1970-01-01' as text)"
    bigquery_canonical = "cast(unix_date({}) as string)"
