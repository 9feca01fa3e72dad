"""What a metric declares; its SQL stands beside the file that declares it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import cached_property
from inspect import getfile
from pathlib import Path
from typing import Annotated, Any, TypeAlias, get_type_hints

import msgspec
from msgspec import Meta

from shared.database.sql import statement
from shared.metrics.parameters import YEAR, Parameter
from shared.moments import Moment

AsOf: TypeAlias = Annotated[
    Moment | None,
    Meta(description="When the newest counted load was finished; null before the first."),
]
"""The type of a document's `as_of`."""

Count: TypeAlias = Annotated[int, Meta(ge=0)]
"""A number of rows."""

AS_OF, ROWS = "as_of", "rows"
# As many digits as a BIGNUMERIC.
_EXACT = Context(prec=80)


@dataclass(frozen=True)
class Probe:
    """A row that no metric counts, by which the smoke test sees that rows reach the warehouse.

    Attributes:
        table: its table.
        row: its fields; `{mark}` stands for a text that differs from run to run.
    """

    table: str
    row: Mapping[str, object]


@dataclass(frozen=True, eq=False)
class Metric:
    """A metric: a call, a reporting view and a card of the dashboard.

    `NAME.sql` beside the file answers a call: it returns at least one row, for `as_of`, in which
    the first column of `document`'s rows is null if there are none. `NAME.view.sql` makes the view.

    Attributes:
        name: the name of its file, its function and its view.
        title: its title in reports and on the dashboard.
        summary: what it answers, in a few words.
        counts: the tables of the dictionary that it counts.
        document: the struct of the answer: the parameters, `as_of`, `rows`, and columns of the
            statement that are the same in all rows.
        example: an answer.
        parameters: what a call may ask for.
        measures: the columns of a row that are numbers to compare; the dashboard draws them.
        mean: the field of the document that the dashboard draws them against.
        probe: a row of a counted table that changes no answer, for the smoke test.
    """

    name: str
    title: str
    summary: str
    counts: tuple[str, ...]
    document: type[msgspec.Struct]
    example: msgspec.Struct
    parameters: tuple[Parameter, ...] = (YEAR,)
    measures: tuple[str, ...] = ()
    mean: str | None = None
    probe: Probe | None = None

    @cached_property
    def row(self) -> type[msgspec.Struct]:
        """The struct of a row."""
        found: type[msgspec.Struct] = get_type_hints(self.document)[ROWS].__args__[0]
        return found

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a row."""
        return self.row.__struct_fields__

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns of a row that hold texts."""
        types = get_type_hints(self.row)
        return tuple(name for name in self.columns if types[name] in (str, str | None))

    @property
    def folder(self) -> Path:
        """Where its SQL files are."""
        return Path(getfile(self.document)).parent

    @property
    def sql(self) -> str:
        """The statement that answers a call."""
        return statement(self.folder, self.name)

    @property
    def view_sql(self) -> str:
        """The statement that makes its view."""
        return statement(self.folder, f"{self.name}.view")

    def summed_up(self, answer: Mapping[str, Any]) -> str:
        """Sum up an answer's JSON without its rows, such as `hires 2021, mean 7.50`."""
        asked = [one.name for one in self.parameters]
        others = [n for n in self.document.__struct_fields__ if n not in (*asked, AS_OF, ROWS)]
        words = [self.name, *(str(answer[name]) for name in asked)]
        facts = [f"{name} {_shown(answer[name])}" for name in others]
        return ", ".join([" ".join(words), *facts])

    def answer(self, values: Mapping[str, int], found: Sequence[Mapping[str, Any]]) -> Any:
        """Make the document of what its statement returned for some values of its parameters."""
        first = self.columns[0]
        plain = [{name: _plain(value) for name, value in row.items()} for row in found]
        rows = [row for row in plain if row[first] is not None]
        return msgspec.convert({**plain[0], **values, ROWS: rows}, self.document)


def _plain(value: Any) -> Any:
    """Write a decimal without zeros at its end: a NUMERIC has as many places as its type."""
    if not isinstance(value, Decimal):
        return value
    is_whole = value == value.to_integral_value()
    return _EXACT.quantize(value, Decimal(1)) if is_whole else value.normalize(_EXACT)


def _shown(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
