"""Text: letters and other characters, within a length."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from shared.lazy import sqlalchemy as sa
from shared.tables.bulk import Texts
from shared.tables.column import escape, escape_all, unescape
from shared.tables.kind import CellEncoder, ColumnCheck, FormInput, Kind, refuse
from shared.tables.refusal import Reason

MAX_TEXT = 1000

_SURROGATE = re.compile("[\ud800-\udfff]")


class Text(Kind):
    """Text that is not blank, within a length, that every system of the platform can hold."""

    reasons: ClassVar[Mapping[str, Reason]] = {
        "not_text": Reason("Not text", "Must be text; put it in quotation marks."),
        "blank": Reason("Blank text", "Must not be blank; give a text."),
        "too_long": Reason(
            "Text too long", "Has {length} characters, at most {maximum} are allowed; shorten it."
        ),
        "nul_character": Reason("NUL character", "Holds a NUL character; remove it."),
        "not_unicode": Reason(
            "Not Unicode text", "Holds half of a surrogate pair; send the whole character."
        ),
    }

    def __init__(self, *, max_length: int = MAX_TEXT, **options: Any) -> None:
        self.max_length = max_length
        super().__init__(**options)

    def from_json(self, value: Any) -> str:
        """Accept a text of whole characters, without NUL, which PostgreSQL cannot hold."""
        if not isinstance(value, str):
            raise refuse("not_text")
        if "\x00" in value:
            raise refuse("nul_character")
        if _SURROGATE.search(value):
            raise refuse("not_unicode")
        if not value.strip():
            raise refuse("blank")
        if len(value) > self.max_length:
            raise refuse("too_long", maximum=self.max_length, length=len(value))
        return str(value)

    def from_cell(self, cell: str) -> str:
        """Validate the cell unchanged."""
        return self.from_json(cell)

    @property
    def cell_pattern(self) -> str:
        """Characters that are not special in CSV or COPY; the last one is not a blank."""
        most = max(self.max_length - 1, 0)
        inner = r'[^,"\\\t\x00\r\n]'
        return rf'{inner}{{0,{most}}}[^,"\\\x00\s\x1c-\x1f]'

    @property
    def cell_encoder(self) -> CellEncoder:
        """Escapes the characters that are special in COPY."""
        limit = self.max_length

        def encode(cell: str) -> str | None:
            if len(cell) > limit or not cell.strip() or "\x00" in cell:
                return None
            return escape(cell)

        return encode

    json_type = str

    @property
    def json_check(self) -> ColumnCheck:
        """Check the column with calls that run in C; msgspec already rejects surrogates."""
        limit = self.max_length
        return lambda column: (
            all(map(str.strip, column))
            and max(map(len, column), default=0) <= limit
            and "\x00" not in "".join(column)
        )

    def json_schema(self) -> dict[str, Any]:
        """Describe the length, with a pattern that rejects blank texts."""
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": self.max_length,
            "pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$",
        }

    def example(self, name: str) -> str:
        """Return the field's name and a number."""
        return f"{name.replace('_', ' ').capitalize()} 1"

    form_input = FormInput()

    postgres_type = "text"

    def sqlalchemy_type(self) -> Any:
        """Text."""
        return sa.Text()

    def copy_text(self, value: str) -> str:
        """Escape the text."""
        return escape(value)

    def copy_texts(self, values: Sequence[str]) -> Iterable[str]:
        """Return the texts unchanged if none needs an escape."""
        return escape_all(values)

    avro_type = "string"
    avro_sql = "cast({} as text)"
    avro_of_copy = staticmethod(unescape)
    bulk = Texts()

    def accepts_avro(self, declared: Any) -> bool:
        """Accept any string, whatever its logical type, and the symbols of an enum."""
        plain = declared.get("type") if isinstance(declared, dict) else declared
        return plain in ("string", "enum")

    avro_taken = "string or enum"

    bigquery_type = "STRING"
    postgres_canonical = "md5(cast({} as text))"
    bigquery_canonical = "to_hex(md5({}))"
