"""The kinds of field the dictionary knows.

Each decides about a value of a JSON batch and, as a `Cell`, about a value of a CSV file, by the
same rule. A field turns a value away with a `Refusal`.
"""

import re
from datetime import UTC, datetime
from typing import Any, ClassVar

from marshmallow import ValidationError, fields
from marshmallow import missing as absent

from shared.tables.refusal import Refusal

MAX_INTEGER = 2**63 - 1
MAX_TEXT = 1000

_DIGITS = re.compile(r"-?[0-9]+", re.ASCII)
_TIMESTAMP = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(Z|[+-]\d{2}:\d{2})?", re.ASCII
)
_SURROGATE = re.compile("[\ud800-\udfff]")


class Cell(str):
    """A value as a CSV file holds it: text, whatever the field's type."""

    __slots__ = ()


def refuse(code: str, **facts: Any) -> ValidationError:
    """A marshmallow error that carries a `Refusal` in place of a sentence."""
    return ValidationError([Refusal(code, tuple(facts.items()))])


class Required(fields.Field[Any]):
    """What all kinds share: no field may be left out, be null, or be an empty cell."""

    def __init__(self, *, description: str = "", **options: Any) -> None:
        super().__init__(
            required="load_default" not in options,
            metadata={"description": description},
            **options,
        )

    def deserialize(self, value: Any, attr: Any = None, data: Any = None, **keywords: Any) -> Any:
        """As marshmallow does, with `missing` for what is absent, null or an empty cell."""
        if value is absent and not self.required:
            return super().deserialize(value, attr, data, **keywords)
        if value is absent or value is None or (isinstance(value, Cell) and value == ""):
            raise refuse("missing")
        output = self._deserialize(value, attr, data, **keywords)
        self._validate(output)
        return output


class Integer(Required):
    """A positive 64-bit integer; in a cell, ASCII digits and nothing else."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if isinstance(value, Cell):
            if not _DIGITS.fullmatch(value):
                raise refuse("not_an_integer")
            # int() refuses thousands of digits; twenty already say that it is out of range.
            value = int(value) if len(value) <= 4000 else MAX_INTEGER + 1
        if type(value) is not int:
            raise refuse("not_an_integer")
        if not 1 <= value <= MAX_INTEGER:
            raise refuse("out_of_range", minimum=1, maximum=MAX_INTEGER)
        return value


class Text(Required):
    """Text that is not blank, within a length, that every system of the platform can hold."""

    def __init__(self, *, max_length: int = MAX_TEXT, **options: Any) -> None:
        self.max_length = max_length
        super().__init__(**options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
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


class Timestamp(Required):
    """A moment as ISO 8601 writes it, `2021-07-27T16:02:08Z`, with its offset.

    Extended format, seconds, up to six decimals, `Z` or `±hh:mm`. Comes out in UTC.
    """

    epoch: ClassVar[datetime] = datetime(1970, 1, 1, tzinfo=UTC)

    def __init__(self, *, default_timezone: Any = None, **options: Any) -> None:
        self.default_timezone = default_timezone
        super().__init__(**options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        found = _TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise refuse("not_a_timestamp")
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise refuse("not_a_timestamp") from None
        if found[1] is None:
            if self.default_timezone is None:
                raise refuse("no_offset")
            moment = moment.replace(tzinfo=self.default_timezone)
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise refuse("timestamp_out_of_range") from None
