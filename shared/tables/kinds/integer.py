"""Integer: a positive whole number."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec

from shared.lazy import sqlalchemy as sa
from shared.tables.bulk import Numbers
from shared.tables.kind import FormInput, Kind, refuse
from shared.tables.refusal import Reason

MAX_INTEGER = 2**63 - 1

_DIGITS = re.compile(r"-?[0-9]+", re.ASCII).fullmatch


class Integer(Kind):
    """A positive 64-bit integer; in a cell, ASCII digits and nothing else."""

    reasons: ClassVar[Mapping[str, Reason]] = {
        "not_an_integer": Reason(
            "Not an integer",
            "Not a whole number; write digits only, without sign, point, space or quotation marks.",
        ),
        "out_of_range": Reason(
            "Integer out of range",
            "Must be from {minimum} to {maximum}; give a number in that range.",
        ),
    }

    def from_json(self, value: Any) -> int:
        """Accept an integer, but not a boolean or a float that happens to be whole."""
        if type(value) is not int:
            raise refuse("not_an_integer")
        if not 1 <= value <= MAX_INTEGER:
            raise refuse("out_of_range", minimum=1, maximum=MAX_INTEGER)
        return value

    def from_cell(self, cell: str) -> int:
        """Accept digits, without point or space."""
        if not _DIGITS(cell):
            raise refuse("not_an_integer")
        # int() refuses thousands of digits, and twenty are already out of range.
        return self.from_json(int(cell) if len(cell) <= 4000 else MAX_INTEGER + 1)

    cell_pattern = "(?!0+(?![0-9]))[0-9]{1,18}"

    def is_data(self, cell: str) -> bool:
        """Treat digits as data: no column has such a name."""
        return cell.isascii() and cell.isdigit()

    json_type = Annotated[int, msgspec.Meta(ge=1, le=MAX_INTEGER)]

    def json_schema(self) -> dict[str, Any]:
        """Describe the range."""
        return {"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_INTEGER}

    def example(self, name: str) -> int:
        """Return the smallest integer."""
        del name
        return 1

    form_input = FormInput(inputmode="numeric", sends="integer")

    postgres_type = "bigint"

    def sqlalchemy_type(self) -> Any:
        """BigInteger."""
        return sa.BigInteger()

    def copy_text(self, value: int) -> str:
        """Write the digits."""
        return str(value)

    avro_type = "long"
    avro_of_copy = staticmethod(int)
    bulk = Numbers(("int8send({})",), first=1, last=MAX_INTEGER)

    def accepts_avro(self, declared: Any) -> bool:
        """Accept an int or long without a logical type, such as a timestamp."""
        if isinstance(declared, dict):
            return declared.get("type") in ("int", "long") and declared.get("logicalType") is None
        return declared in ("int", "long")

    avro_taken = "int or long"

    bigquery_type = "INT64"
    postgres_canonical = "cast({} as text)"
    bigquery_canonical = "cast({} as string)"
