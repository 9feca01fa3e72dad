"""A kind of field: one class with everything that any system needs to know about its values.

A kind is a marshmallow field. To add one, write only its file in `shared/tables/kinds`: the CSV
and JSON gates, PostgreSQL, backups, BigQuery, OpenAPI and the dashboard's forms ask the field
itself. `StoredColumn` has what those systems need of any stored column; the rest is here.
"""

import re
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, ClassVar, Literal, Self

import msgspec
from marshmallow import ValidationError, fields
from marshmallow import missing as absent

from shared.errors import ConfigurationError
from shared.tables.bulk import Numbers, Texts
from shared.tables.column import StoredColumn
from shared.tables.refusal import Reason, Refusal

CellEncoder = Callable[[str], str | None]
"""Gives the COPY text of a cell, or None if the rule must decide."""

ColumnCheck = Callable[[Sequence[Any]], bool]
"""Returns whether all values of a column are plainly good."""

SURROGATES = "\ud800-\udfff"
"""What a class of a `cell_pattern` that names characters to leave out must leave out, too.

They are no characters, but RE2 reads their bytes as if they were.
"""

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
        sends: what the form sends: a JSON `integer` if the text is a whole number, any `json` if
            the text is JSON, or `text`.
    """

    inputmode: Literal["text", "numeric"] = "text"
    placeholder: str = ""
    sends: Literal["integer", "json", "text"] = "text"


class Kind(StoredColumn, fields.Field[Any]):
    """A kind of field.

    A value that is absent, null or an empty cell is the field's default; without one, it is NULL
    if the field is optional, else the row is rejected.

    `from_json` and `from_cell` never see such a value. The quick parts (`cell_pattern`,
    `cell_encoder`, `json_type`, `json_check`) accept a strict subset of what the rule accepts and
    never reject: the rule decides about everything else. A kind opts out of them with None, for its
    own column only.
    """

    def __init__(
        self,
        *,
        description: str = "",
        optional: bool = False,
        default: Any = absent,
        aliases: Sequence[str] = (),
        was: str | Sequence[str] = (),
        validate: Any = None,
        **unknown: Any,
    ) -> None:
        """Describe a field.

        Args:
            description: what it means, in a few words.
            optional: whether a row may lack a value, which is then NULL everywhere.
            default: the JSON value that stands in for a missing one; the field is never NULL then.
            aliases: further names that its column may have in the header of a file.
            was: the name that it had before, or several, newest first. Migrating renames the
                column, and whatever comes in may still use the old name.
            validate: a validator of marshmallow's, or several, that a value must satisfy, too.

        Raises:
            ConfigurationError: an option is not one of these, or the default breaks the rule.
        """
        if unknown:
            raise ConfigurationError(
                f"{type(self).__name__} takes no {', '.join(unknown)}; a field may have "
                "description, optional, default, aliases, was, validate, and its kind's options."
            )
        has_default = default is not absent
        required = not optional and not has_default
        super().__init__(
            required=required,
            allow_none=not required,
            load_default=absent if required else None,
            validate=validate,
            metadata={"description": description},
        )
        self.nullable, self.aliases = optional, tuple(aliases)
        self.was = (was,) if isinstance(was, str) else tuple(was)
        self.default = self._checked_default(default) if has_default else None

    @classmethod
    def sample(cls) -> Self:
        """Return a field for questions that do not depend on options; override it if some must be
        given.
        """
        return cls()

    @property
    def description(self) -> str:
        """What the field means, in a few words."""
        return str(self.metadata["description"])

    def _checked_default(self, default: Any) -> Any:
        try:
            return self.deserialize(default)
        except ValidationError as error:
            (refusal, *_) = error.messages
            raise ConfigurationError(
                f"{default!r} cannot be the default of a field of kind {type(self).__name__} "
                f"({getattr(refusal, 'code', refusal)}); give a JSON value that the field accepts."
            ) from None

    # The rule

    reasons: ClassVar[Mapping[str, Reason]] = {}

    @property
    def key_bytes(self) -> int | None:
        """The most bytes of a value in the index of a key; None if no key may have the kind."""
        return 64

    """The reasons for which the rule rejects a value, by the code that it passes to `refuse`."""

    @abstractmethod
    def from_json(self, value: Any) -> Any:
        """Validate a JSON value and return the checked value.

        Raises:
            ValidationError: the value breaks the rule; made by `refuse`.
        """

    @abstractmethod
    def from_cell(self, cell: str) -> Any:
        """Validate a CSV cell that is not empty and return the checked value.

        Raises:
            ValidationError: the cell breaks the rule; made by `refuse`.
        """

    def deserialize(self, value: Any, attr: Any = None, data: Any = None, **keywords: Any) -> Any:
        """Validate like marshmallow, and replace a value that is missing by the default or None."""
        if value is absent or value is None or (isinstance(value, Cell) and value == ""):
            if self.required:
                raise refuse("missing")
            return self.default
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

        It becomes part of one regular expression for a whole line, which RE2 reads: it must have no
        groups and no lookahead, and must not match `SURROGATES` or a character that is special in
        CSV or COPY.
        """

    @property
    def open_cell_pattern(self) -> tuple[str, int] | None:
        """The same for cells of any length, and the most characters; None if there is no such.

        A pattern that counts to thousands is too large for RE2 where a table has many such columns.
        """
        return None

    @property
    def cell_encoder(self) -> CellEncoder:
        """Return the encoder of a cell, such as a quoted one; by default it uses the pattern."""
        if self.cell_pattern is None:
            return lambda _: None
        match = re.compile(self.cell_pattern).fullmatch
        return lambda cell: cell if match(cell) else None

    def is_data(self, cell: str) -> bool:
        """Return whether a cell of a file's first row is a value, so the row is not a header."""
        del cell
        return False

    # JSON

    @property
    @abstractmethod
    def json_type(self) -> Any:
        """Type of a plainly good JSON value, as msgspec decodes and checks it; None opts out.

        `int`, `float`, `bool`, `str` or `Literal` of texts, annotated with limits or not; or
        `msgspec.Raw` for the value's JSON text, from which `of_json_texts` makes the value.
        """

    @property
    def json_check(self) -> ColumnCheck | None:
        """Return a further check of a column of `json_type`; None if the type suffices."""
        return None

    def of_json_texts(self, texts: Sequence[str]) -> Sequence[Any]:
        """Convert JSON texts that `json_check` accepted to values that `copy_text` takes."""
        return texts

    # Checks of tables, which compare checked values

    def values_of_cells(self, cells: Sequence[str]) -> Iterable[Any]:
        """Convert plainly good cells to checked values; override it if that can be done in C.

        Values that compare like the checked ones will do.
        """
        return [self.deserialize(Cell(cell)) for cell in cells]

    def values_of_json(self, values: Sequence[Any]) -> Iterable[Any]:
        """Convert plainly good JSON values like `values_of_cells`."""
        return map(self.deserialize, values)

    # OpenAPI and forms

    def json_of(self, value: Any) -> Any:
        """Convert a checked value to a JSON value that the rule accepts."""
        return msgspec.to_builtins(value)

    @abstractmethod
    def json_schema(self) -> dict[str, Any]:
        """JSON Schema of the values that the rule accepts, `type` first."""

    @abstractmethod
    def example(self, name: str) -> Any:
        """A JSON value that the rule accepts, for the field of this name."""

    @property
    @abstractmethod
    def form_input(self) -> FormInput:
        """How a form asks for the value."""

    # Restores of files made elsewhere

    def json_of_avro(self, value: Any) -> Any:
        """Convert an Avro value of a file made elsewhere to the JSON value that the rule takes."""
        return value

    # Derived from the parts above

    @cached_property
    def is_quick_in_csv(self) -> bool:
        """Whether the quick parts for CSV accept nothing that the field's rule rejects."""
        return self.cell_pattern is not None and self._vouches("cell_pattern", "cell_encoder")

    @cached_property
    def is_quick_in_json(self) -> bool:
        """Whether the quick parts for JSON accept nothing that the field's rule rejects."""
        return self.json_type is not None and self._vouches("json_type", "json_check")

    @cached_property
    def is_quick_in_avro(self) -> bool:
        """Whether `bulk`, with the JSON parts, accepts nothing that the field's rule rejects."""
        if isinstance(self.bulk, Numbers):
            return self._vouches("bulk")
        # A type stricter than `str` checks values itself, but Avro's texts skip that check.
        return isinstance(self.bulk, Texts) and self.json_type is str and self.is_quick_in_json

    @cached_property
    def checked_cells(self) -> Callable[[Sequence[str]], Iterable[Any]]:
        """Converts cells that the rule accepts; those of a quick field must be plainly good."""
        own = self.is_quick_in_csv and self._is_as_new_as_the_rule("values_of_cells")
        return self.values_of_cells if own else partial(Kind.values_of_cells, self)

    @cached_property
    def checked_json(self) -> Callable[[Sequence[Any]], Iterable[Any]]:
        """Converts plainly good JSON values to checked values."""
        own = self._is_as_new_as_the_rule("values_of_json")
        return self.values_of_json if own else partial(Kind.values_of_json, self)

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
        # The default accepts only what the other part accepts.
        return getattr(type(self), part) is getattr(Kind, part)


def refuse(code: str, **facts: Any) -> ValidationError:
    """Make a marshmallow error that carries a `Refusal` in place of a sentence."""
    return ValidationError([Refusal(code, tuple(facts.items()))])
