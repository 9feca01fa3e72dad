"""Choice: one of a few texts."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

from shared.errors import ConfigurationError
from shared.tables.column import escape
from shared.tables.kind import CellEncoder, FormInput, Kind, refuse
from shared.tables.refusal import Reason
from shared.tables.stored_text import StoredText

_SPECIAL = re.compile(r'[,"\\\t\r\n]')


class Choice(StoredText, Kind):
    """One of the texts that the table's file lists, written exactly so."""

    reasons: ClassVar[Mapping[str, Reason]] = {
        "not_a_choice": Reason("Not a choice", "Must be one of {choices}; write it exactly so."),
    }

    def __init__(self, *, of: Sequence[str], **options: Any) -> None:
        """Describe a field.

        Args:
            of: the texts.
            options: those of every kind.

        Raises:
            ConfigurationError: `of` has no texts, blank ones, or one twice.
        """
        self.of = tuple(of)
        is_usable = all(
            isinstance(one, str) and one.strip() and "\x00" not in one for one in self.of
        )
        if isinstance(of, str) or not self.of or not is_usable:
            raise ConfigurationError(
                f'A Choice of {of!r} is impossible; list texts, such as of=("open", "paid").'
            )
        if len(set(self.of)) < len(self.of):
            raise ConfigurationError(f"A Choice has a text twice in {of!r}; list it once.")
        super().__init__(**options)

    @classmethod
    def sample(cls) -> Self:
        """Return a choice of one text."""
        return cls(of=("open",))

    @property
    def key_bytes(self) -> int:
        """As many as the longest of the texts."""
        return max(len(one.encode()) for one in self.of)

    def from_json(self, value: Any) -> str:
        """Accept one of the texts."""
        if value not in self.of:
            raise refuse("not_a_choice", choices=", ".join(self.of))
        return str(value)

    def from_cell(self, cell: str) -> str:
        """Accept the same."""
        return self.from_json(cell)

    @property
    def cell_pattern(self) -> str | None:
        """Those of the texts that are not special in CSV or COPY."""
        return "|".join(re.escape(one) for one in self.of if not _SPECIAL.search(one)) or None

    @property
    def cell_encoder(self) -> CellEncoder:
        """Escapes a text that is special in COPY."""
        return {one: escape(one) for one in self.of}.get

    def is_data(self, cell: str) -> bool:
        """Treat the texts as data."""
        return cell in self.of

    @property
    def json_type(self) -> Any:
        """One of the texts."""
        return Literal[self.of]

    def json_schema(self) -> dict[str, Any]:
        """List the texts."""
        return {"type": "string", "enum": list(self.of)}

    def example(self, name: str) -> str:
        """Return the first text."""
        del name
        return self.of[0]

    form_input = FormInput()
