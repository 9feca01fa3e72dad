"""Json: any JSON value."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from shared import strict_json
from shared.lazy import postgresql
from shared.strict_json import NotFinite, NotStrictJson, Number
from shared.tables.bulk import Texts
from shared.tables.column import escape, unescape
from shared.tables.kind import FormInput, Kind, refuse
from shared.tables.refusal import Reason

# Larger than the numbers that jsonb holds, or not read to the last digit.
_TOO_LONG = 10**100
_NUMBER = re.compile(r"[-0-9.]{1,100}(?:[eE][+-]?[0-9]{1,3})?").fullmatch
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000").search


class Json(Kind):
    """Any JSON value; numbers keep their digits.

    A null counts as absent, except inside an object or array. A cell has the JSON text. PostgreSQL
    stores it as `jsonb`, which orders the keys of objects; BigQuery gets that as a STRING, which
    its JSON functions take and in which no digit is lost. At most 100 levels may be nested.
    """

    reasons: ClassVar[Mapping[str, Reason]] = {
        "not_strict_json": Reason(
            "Not strict JSON",
            "Not JSON, or a key stands twice in it, or it is nested too deeply; correct it.",
        ),
        "json_null": Reason("JSON null", "Is null; leave it out if there is no value."),
        "json_number": Reason(
            "Number too long in JSON", "Holds a number of a hundred digits or more; shorten it."
        ),
    }

    def from_json(self, value: Any) -> str:
        """Accept any value, and return its text."""
        try:
            text = msgspec.json.encode(_storable(value), enc_hook=_digits)
        except UnicodeEncodeError:
            raise refuse("not_unicode") from None
        if _NUL(text):
            raise refuse("nul_character")
        return text.decode()

    def from_cell(self, cell: str) -> str:
        """Accept strict JSON."""
        try:
            value = strict_json.decode_row(cell.encode())
        except (NotStrictJson, UnicodeEncodeError):
            raise refuse("not_strict_json") from None
        if value is None:
            raise refuse("json_null")
        return self.from_json(value)

    cell_pattern = None
    json_type = None

    def json_of(self, value: str) -> Any:
        """Decode the text."""
        return msgspec.json.decode(value)

    def json_schema(self) -> dict[str, Any]:
        """Describe any value."""
        return {}

    def example(self, name: str) -> dict[str, Any]:
        """Return a small object."""
        return {name: [1, 2.5]}

    form_input = FormInput(placeholder='{"a": 1}', sends="json")

    @property
    def key_bytes(self) -> None:
        """No key has it: equal values have many texts."""

    postgres_type = "jsonb"

    def sqlalchemy_type(self) -> Any:
        """Return JSONB."""
        return postgresql.JSONB()

    def copy_text(self, value: str) -> str:
        """Escape the text."""
        return escape(value)

    # The driver would decode its numbers.
    select_sql = "cast({} as text)"

    def of_selected(self, value: str) -> msgspec.Raw:
        """Return the text, as JSON."""
        return msgspec.Raw(value.encode())

    avro_type = "string"
    avro_sql = "cast({} as text)"
    avro_of_copy = staticmethod(unescape)
    # Before its text, jsonb has the version of its binary form.
    bulk = Texts(avro_sql, head=b"\x01")

    def from_avro(self, value: Any) -> Any:
        """Return the text, for `copy_text` to escape."""
        return value

    def accepts_avro(self, declared: Any) -> bool:
        """Accept any string, whatever its logical type."""
        return (declared.get("type") if isinstance(declared, dict) else declared) == "string"

    def json_of_avro(self, value: Any) -> Any:
        """Decode the text; what is not JSON stays a text, as a JSON value."""
        try:
            return strict_json.decode_row(value.encode())
        except (NotStrictJson, UnicodeEncodeError):
            return value

    # Its text: in both systems functions of JSON take it, and every number keeps its digits.
    bigquery_type = "STRING"
    postgres_canonical = "md5(cast({} as text))"
    bigquery_canonical = "to_hex(md5({}))"


def _storable(value: Any) -> Any:
    """Return the value, if jsonb holds all of its numbers."""
    match value:
        case NotFinite():
            raise refuse("not_finite")
        case Number() if not _NUMBER(value.digits):
            raise refuse("json_number")
        case int() if abs(value) >= _TOO_LONG:
            raise refuse("json_number")
        case dict():
            for one in value.values():
                _storable(one)
        case list():
            for one in value:
                _storable(one)
    return value


def _digits(value: Any) -> msgspec.Raw:
    return msgspec.Raw(value.digits.encode())
