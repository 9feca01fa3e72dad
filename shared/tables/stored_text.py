"""How a text is stored, whatever the rule for its characters."""

from collections.abc import Iterable, Sequence
from typing import Any

from shared.lazy import sqlalchemy as sa
from shared.tables.bulk import Texts
from shared.tables.column import StoredColumn, escape, escape_all, unescape


class StoredText(StoredColumn):
    """A column of texts: `text` in PostgreSQL, a string elsewhere."""

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
