"""Boolean: true or false."""

from collections.abc import Mapping
from typing import Any, ClassVar

from shared.lazy import sqlalchemy as sa
from shared.tables.bulk import Booleans
from shared.tables.kind import FormInput, Kind, refuse
from shared.tables.refusal import Reason

_WORDS = {"true": True, "false": False}


class Boolean(Kind):
    """True or false; in a cell `true` or `false`, in any case.

    No other word is accepted, nor 0 and 1; in JSON it is `true` or `false`, not a text.
    """

    reasons: ClassVar[Mapping[str, Reason]] = {
        "not_a_boolean": Reason("Not a boolean", "Must be true or false; write one of them."),
    }

    def from_json(self, value: Any) -> bool:
        """Accept JSON's true and false."""
        if type(value) is not bool:
            raise refuse("not_a_boolean")
        return value

    def from_cell(self, cell: str) -> bool:
        """Accept the two words."""
        return self.from_json(_WORDS.get(cell.lower()))

    cell_pattern = "[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]"

    def is_data(self, cell: str) -> bool:
        """Treat the two words as data."""
        return cell.lower() in _WORDS

    json_type = bool

    def json_schema(self) -> dict[str, Any]:
        """Describe a boolean."""
        return {"type": "boolean"}

    def example(self, name: str) -> bool:
        """Return true."""
        del name
        return True

    form_input = FormInput(placeholder="true or false", sends="json")

    postgres_type = "boolean"

    def sqlalchemy_type(self) -> Any:
        """Boolean."""
        return sa.Boolean()

    def copy_text(self, value: bool) -> str:
        """Write the word."""
        return "true" if value else "false"

    avro_type = "boolean"
    avro_of_copy = staticmethod("t".__eq__)
    bulk = Booleans()

    bigquery_type = "BOOL"
    postgres_canonical = "cast({} as text)"
    bigquery_canonical = "cast({} as string)"
