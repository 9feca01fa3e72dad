"""Text: letters and other characters, within a length."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from marshmallow import ValidationError

from shared.errors import ConfigurationError
from shared.tables.column import escape
from shared.tables.kind import SURROGATES, CellEncoder, ColumnCheck, FormInput, Kind, refuse
from shared.tables.refusal import Reason
from shared.tables.stored_text import StoredText

MAX_TEXT = 1000

# What `str.strip` takes away. Python's regular expressions have it as \s, RE2's have only ASCII.
BLANKS = "\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
# Characters that are special neither in CSV nor in COPY.
_PLAIN = rf'[^,"\\\t\x00\r\n{SURROGATES}]'
_PLAIN_LAST = rf'[^,"\\\x00{BLANKS}{SURROGATES}]'
_SURROGATE = re.compile("[\ud800-\udfff]")


class Text(StoredText, Kind):
    """Text that is not blank, within a length, that every system of the platform can hold.

    It is stored as it was sent, with spaces at its ends.
    """

    reasons: ClassVar[Mapping[str, Reason]] = {
        "not_text": Reason("Not text", "Must be text; put it in quotation marks."),
        "blank": Reason("Blank text", "Must not be blank; give a text."),
        "too_long": Reason(
            "Text too long", "Has {length} characters, at most {maximum} are allowed; shorten it."
        ),
        "wrong_pattern": Reason(
            "Text in the wrong form", "Must match the pattern {pattern}; correct it."
        ),
        "nul_character": Reason("NUL character", "Holds a NUL character; remove it."),
        "not_unicode": Reason(
            "Not Unicode text", "Holds half of a surrogate pair; send the whole character."
        ),
    }

    def __init__(
        self,
        *,
        max_length: int = MAX_TEXT,
        pattern: str | None = None,
        example: str | None = None,
        **options: Any,
    ) -> None:
        """Describe a field.

        Args:
            max_length: the most characters.
            pattern: a regular expression that the whole text must match, in what Python and
                JavaScript have in common, which the API's document shows.
            example: a text that the field accepts, for the API's document; needed with a pattern.
            options: those of every kind.

        Raises:
            ConfigurationError: the pattern is no regular expression, or its example does not match.
        """
        self.max_length, self.pattern, self._example = max_length, pattern, example
        try:
            self._matches = None if pattern is None else re.compile(pattern, re.ASCII).fullmatch
        except re.error as error:
            raise ConfigurationError(
                f"{pattern!r} is not a regular expression ({error}); correct it."
            ) from None
        super().__init__(**options)
        if example is None and pattern is not None:
            example = self._example = self.default
        self._check_example(example)

    def _check_example(self, example: str | None) -> None:
        if example is None and self.pattern is None:
            return
        try:
            self.from_json(example)
        except ValidationError:
            raise ConfigurationError(
                f"{example!r} is not an example of a Text with the pattern {self.pattern!r} and at "
                f"most {self.max_length} characters; give one with example=."
            ) from None

    @property
    def key_bytes(self) -> int:
        """A character takes up to four bytes in UTF-8."""
        return 4 * self.max_length

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
        if self._matches is not None and not self._matches(value):
            raise refuse("wrong_pattern", pattern=self.pattern)
        return str(value)

    def from_cell(self, cell: str) -> str:
        """Validate the cell unchanged."""
        return self.from_json(cell)

    @property
    def cell_pattern(self) -> str | None:
        """Characters that are not special in CSV or COPY; the last one is not a blank."""
        if self.pattern is not None:
            return None
        return f"{_PLAIN}{{0,{max(self.max_length - 1, 0)}}}{_PLAIN_LAST}"

    @property
    def open_cell_pattern(self) -> tuple[str, int] | None:
        """The same without the length."""
        return None if self.pattern is not None else (f"{_PLAIN}*{_PLAIN_LAST}", self.max_length)

    @property
    def cell_encoder(self) -> CellEncoder:
        """Escapes the characters that are special in COPY."""
        limit, matches = self.max_length, self._matches

        def encode(cell: str) -> str | None:
            if len(cell) > limit or not cell.strip() or "\x00" in cell:
                return None
            if matches is not None and not matches(cell):
                return None
            return escape(cell)

        return encode

    json_type = str

    @property
    def json_check(self) -> ColumnCheck:
        """Check the column with calls that run in C; msgspec already rejects surrogates."""
        limit, matches = self.max_length, self._matches
        return lambda column: (
            all(map(str.strip, column))
            and max(map(len, column), default=0) <= limit
            and "\x00" not in "".join(column)
            and (matches is None or all(map(matches, column)))
        )

    def values_of_cells(self, cells: Sequence[str]) -> Iterable[str]:
        """Return the texts."""
        return cells

    def values_of_json(self, values: Sequence[str]) -> Iterable[str]:
        """Return the texts."""
        return values

    def json_schema(self) -> dict[str, Any]:
        """Describe the length, and the pattern; without one, a pattern that rejects blank texts."""
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": self.max_length,
            "pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"
            if self.pattern is None
            else f"^(?:{self.pattern})$",
        }

    def example(self, name: str) -> str:
        """Return the field's name and a number, unless the table's file gives an example."""
        if self._example is not None:
            return self._example
        return f"{name.replace('_', ' ').capitalize()} 1"[: self.max_length].rstrip()

    form_input = FormInput()
