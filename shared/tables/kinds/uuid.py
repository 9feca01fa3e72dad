"""Uuid: a universally unique identifier."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec

from shared.lazy import sqlalchemy as sa
from shared.tables.bulk import Uuids
from shared.tables.column import escape
from shared.tables.kind import FormInput, Kind, refuse
from shared.tables.refusal import Reason

_EXAMPLE = "0f8fad5b-d9cb-469f-a165-70867728950e"
_FORM = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_IS_UUID = re.compile(_FORM).fullmatch


class Uuid(Kind):
    """A UUID as RFC 9562 writes it, in letters of any case, which are stored small."""

    reasons: ClassVar[Mapping[str, Reason]] = {
        "not_a_uuid": Reason(
            "Not a UUID", "Not a UUID; write its 32 hexadecimal digits with hyphens between them."
        ),
    }

    def from_json(self, value: Any) -> str:
        """Accept a text in that format."""
        if not isinstance(value, str) or not _IS_UUID(value):
            raise refuse("not_a_uuid")
        return value.lower()

    def from_cell(self, cell: str) -> str:
        """Accept the same texts."""
        return self.from_json(cell)

    cell_pattern = _FORM

    def is_data(self, cell: str) -> bool:
        """Treat a UUID as data."""
        return _IS_UUID(cell) is not None

    json_type = Annotated[str, msgspec.Meta(pattern=rf"\A{_FORM}\Z")]

    def json_schema(self) -> dict[str, Any]:
        """Describe the format."""
        return {"type": "string", "format": "uuid", "pattern": f"^{_FORM}$"}

    def example(self, name: str) -> str:
        """Return a UUID."""
        del name
        return _EXAMPLE

    form_input = FormInput(placeholder=_EXAMPLE)

    postgres_type = "uuid"

    def sqlalchemy_type(self) -> Any:
        """Uuid."""
        return sa.Uuid()

    def copy_text(self, value: Any) -> str:
        """Write the text; PostgreSQL checks one of a restored file."""
        return escape(str(value))

    avro_type = "string"
    avro_sql = "cast({} as text)"
    avro_of_copy = staticmethod(str)
    bulk = Uuids(error="A UUID of the file is not one; correct it.")

    def accepts_avro(self, declared: Any) -> bool:
        """Accept any string, whatever its logical type."""
        return (declared.get("type") if isinstance(declared, dict) else declared) == "string"

    def json_of_avro(self, value: Any) -> Any:
        """Write the text."""
        return None if value is None else str(value)

    bigquery_type = "STRING"
    postgres_canonical = "cast({} as text)"
    bigquery_canonical = "{}"
