"""What a kind of field is: one class that owns all that any system must know about its values.

A kind is a marshmallow field. Its file in `shared/tables/kinds` is the only one to write: the CSV
and JSON gates, PostgreSQL, backups, BigQuery, OpenAPI and the dashboard's forms ask the field
itself. What those systems need of any stored column is in `StoredColumn`; the rest is here.
"""

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

from marshmallow import ValidationError, fields
from marshmallow import missing as absent

from shared.tables.bulk import Numbers, Texts
from shared.tables.column import StoredColumn
from shared.tables.refusal import Reason, Refusal

CellEncoder = Callable[[str], str | None]
"""Gives the COPY text of a cell, or None if the rule must decide."""

ColumnCheck = Callable[[Sequence[Any]], bool]
"""Whether all values of a column are plainly good."""

_RULE = frozenset({"deserialize", "_deserialize", "_validate", "from_json", "from_cell"})


class Cell(str):
    """A value as a CSV file holds it: text, whatever the field's kind."""

    __slots__ = ()


@dataclass(frozen=True)
class FormInput:
    """How a form asks for a value.

    Attributes:
        inputmode: the HTML attribute: which keyboard a phone shows.
        placeholder: what an empty input shows; empty for the field's description.
        sends: what becomes of the text: a JSON `integer` if it is a whole number, or `text`.
    """

    inputmode: Literal["text", "numeric"] = "text"
    placeholder: str = ""
    sends: Literal["integer", "text"] = "text"


class Kind(StoredColumn, fields.Field[Any]):
    """A kind of field: no value may be left out, be null, or be an empty cell.

    The quick parts (`cell_pattern`, `cell_encoder`, `json_type`, `json_check`) accept a strict
    subset of what the rule accepts and never reject: what they do not accept goes to the rule. A
    kind opts out of them with None, for its own column only.
    """

    def __init__(self, *, description: str = "", **options: Any) -> None:
        super().__init__(
            required="load_default" not in options,
            metadata={"description": description},
            **options,
        )

    @property
    def description(self) -> str:
        """What the field means, in a few words."""
        return str(self.metadata["description"])

    # The rule

    reasons: ClassVar[Mapping[str, Reason]] = {}
    """The reasons for which the rule rejects a value, by the codes that it gives `refuse`."""

    @abstractmethod
    def from_json(self, value: Any) -> Any:
        """Verdict on a JSON value: the checked value.

        Raises:
            ValidationError: it does not fit; made by `refuse`.
        """

    @abstractmethod
    def from_cell(self, cell: str) -> Any:
        """Verdict on a CSV cell that is not empty: the checked value.

        Raises:
            ValidationError: it does not fit; made by `refuse`.
        """

    def deserialize(self, value: Any, attr: Any = None, data: Any = None, **keywords: Any) -> Any:
        """As marshmallow does, with `missing` for what is absent, null or an empty cell."""
        if value is absent and not self.required:
            return super().deserialize(value, attr, data, **keywords)
        if value is absent or value is None or (isinstance(value, Cell) and value == ""):
            raise refuse("missing")
        output = self._deserialize(value, attr, data, **keywords)
        self._validate(output)
        return output

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return self.from_cell(value) if isinstance(value, Cell) else self.from_json(value)

    # CSV

    @property
    @abstractmethod
    def cell_pattern(self) -> str | None:
        """Pattern of a cell that is plainly good and is its own COPY text; None opts out.

        Part of one regular expression for a whole line: no groups, and nothing that CSV or COPY
        would read as its own.
        """

    @property
    def cell_encoder(self) -> CellEncoder:
        """What encodes a single cell, such as one in quotation marks; by default by the pattern."""
        if self.cell_pattern is None:
            return lambda _: None
        match = re.compile(self.cell_pattern).fullmatch
        return lambda cell: cell if match(cell) else None

    def is_data(self, cell: str) -> bool:
        """Whether a cell of a file's first row is a value, so that the row cannot be a header."""
        del cell
        return False

    # JSON

    @property
    @abstractmethod
    def json_type(self) -> Any:
        """Type of a plainly good JSON value, as msgspec decodes and checks it; None opts out.

        `int`, `float`, `bool`, `str` or `Literal` of texts, annotated with limits or not.
        """

    @property
    def json_check(self) -> ColumnCheck | None:
        """What checks a column of values of `json_type` further; None if the type says it all."""
        return None

    # OpenAPI and forms

    @abstractmethod
    def json_schema(self) -> dict[str, Any]:
        """JSON Schema of the values that the rule accepts, `type` first."""

    @abstractmethod
    def example(self, name: str) -> Any:
        """A JSON value that the rule accepts, for the field of this name."""

    @property
    @abstractmethod
    def form_input(self) -> FormInput:
        """Input in a form."""

    # Restores of files made elsewhere

    def json_of_avro(self, value: Any) -> Any:
        """An Avro value of a file made elsewhere as JSON would have brought it, for the rule."""
        return value

    # What follows from these

    @cached_property
    def is_quick_in_csv(self) -> bool:
        """Whether the quick parts for CSV say no more than the field's rule."""
        return self.cell_pattern is not None and self._vouches("cell_pattern", "cell_encoder")

    @cached_property
    def is_quick_in_json(self) -> bool:
        """Whether the quick parts for JSON say no more than the field's rule."""
        return self.json_type is not None and self._vouches("json_type", "json_check")

    @cached_property
    def is_quick_in_avro(self) -> bool:
        """Whether `bulk`, with the quick parts for JSON, says no more than the field's rule."""
        if isinstance(self.bulk, Numbers):
            return self._vouches("bulk")
        # A type that is more than `str` checks values by itself, which Avro's texts pass by.
        return isinstance(self.bulk, Texts) and self.json_type is str and self.is_quick_in_json

    def _vouches(self, *parts: str) -> bool:
        # A table's own validators, or a subclass that changes the rule, may reject what the quick
        # parts of the class above accept.
        return not self.validators and all(map(self._is_as_new_as_the_rule, parts))

    def _is_as_new_as_the_rule(self, part: str) -> bool:
        for cls in type(self).__mro__:
            if part in vars(cls):
                return True
            if not _RULE.isdisjoint(vars(cls)):
                break
        # The default says nothing that the other part does not say.
        return getattr(type(self), part) is getattr(Kind, part)


def refuse(code: str, **facts: Any) -> ValidationError:
    """A marshmallow error that carries a `Refusal` in place of a sentence."""
    return ValidationError([Refusal(code, tuple(facts.items()))])
