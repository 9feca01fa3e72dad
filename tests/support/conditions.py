"""Random conditions of checks: as a check has them, as PostgreSQL does, and what each row gets.

None of this calls `shared.tables.check`: a verdict is found in Kleene's logic, with None for NULL.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from shared.tables import Integer, Row, Text, Timestamp

MOMENTS = ("2021-01-01T00:00:00Z", "2021-01-01T00:00:00.5Z", "2021-01-01T00:00:01Z")
# Each is later, or earlier, as its text is not.
_VALUES: Mapping[str, tuple[Any, ...]] = {
    "i": (None, 1, 2, 10),
    "j": (1, 2, 10),
    "s": (None, "a", "B", "it's"),
    "t": ("a", "B", "it's"),
    "m": (None, *MOMENTS),
    "n": MOMENTS,
}
_COLUMNS = {"i": "i", "j": "j", "s": 's collate "C"', "t": 't collate "C"', "m": "m", "n": "n"}
_PAIRS = ("ij", "ji", "st", "ts", "mn", "nm")
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class Things(Row):
    """Two fields of a kind, of which one may be NULL."""

    i = Integer(optional=True)
    j = Integer()
    s = Text(optional=True)
    t = Text()
    m = Timestamp(optional=True)
    n = Timestamp()


class Condition(NamedTuple):
    """A condition.

    Attributes:
        text: the expression of a check.
        sql: the same for PostgreSQL.
        verdict: True, False or None for a row.
    """

    text: str
    sql: str
    verdict: Callable[[Mapping[str, Any]], bool | None]


def row(chance: random.Random) -> dict[str, Any]:
    """Make a row, as JSON has it."""
    return {name: chance.choice(values) for name, values in _VALUES.items()}


def condition(chance: random.Random, depth: int = 3) -> Condition:
    """Make a condition over `Things`."""
    if depth and chance.random() < 0.7:
        word = chance.choice(("and", "or", "not"))
        if word == "not":
            inner = condition(chance, depth - 1)
            return Condition(
                f"not ({inner.text})",
                f"not ({inner.sql})",
                lambda row: None if (value := inner.verdict(row)) is None else not value,
            )
        parts = [condition(chance, depth - 1) for _ in range(chance.randint(2, 3))]
        return _joined(word, parts)
    return chance.choice((_comparison, _chain, _membership, _null))(chance)


def _joined(word: str, parts: list[Condition]) -> Condition:
    decisive = word == "or"

    def verdict(row: Mapping[str, Any]) -> bool | None:
        found = [part.verdict(row) for part in parts]
        if decisive in found:
            return decisive
        return None if None in found else not decisive

    return Condition(
        f" {word} ".join(f"({part.text})" for part in parts),
        f" {word} ".join(f"({part.sql})" for part in parts),
        verdict,
    )


def _compared(
    left: str, operator: str, right: Any, *, is_field: bool
) -> Callable[[Mapping[str, Any]], bool | None]:
    def verdict(row: Mapping[str, Any]) -> bool | None:
        values = row[left], row[right] if is_field else right
        if None in values:
            return None
        # In order of the values above, which is the order of moments.
        if left in "mn":
            values = MOMENTS.index(values[0]), MOMENTS.index(values[1])
        return _OPERATORS[operator](*values)

    return verdict


def _comparison(chance: random.Random) -> Condition:
    left, right = chance.choice(_PAIRS)
    operator = chance.choice(list(_OPERATORS))
    if chance.random() < 0.5:
        return Condition(
            f"{left} {operator} {right}",
            f"{_COLUMNS[left]} {_of_sql(operator)} {_COLUMNS[right]}",
            _compared(left, operator, right, is_field=True),
        )
    value = chance.choice(_VALUES[right][-3:])
    verdict = _compared(left, operator, value, is_field=False)
    sql = f"{_COLUMNS[left]} {_of_sql(operator)} {_literal(value)}"
    if chance.random() < 0.5:
        mirrored = operator.translate(str.maketrans("<>", "><"))
        return Condition(f"{value!r} {mirrored} {left}", sql, verdict)
    return Condition(f"{left} {operator} {value!r}", sql, verdict)


def _chain(chance: random.Random) -> Condition:
    middle, last = chance.choice(_PAIRS)
    first = chance.choice(_VALUES[middle][-3:])
    operators = [chance.choice(list(_OPERATORS)) for _ in range(2)]
    mirrored = operators[0].translate(str.maketrans("<>", "><"))
    pairs = [
        Condition(
            "",
            f"{_COLUMNS[middle]} {_of_sql(mirrored)} {_literal(first)}",
            _compared(middle, mirrored, first, is_field=False),
        ),
        Condition(
            "",
            f"{_COLUMNS[middle]} {_of_sql(operators[1])} {_COLUMNS[last]}",
            _compared(middle, operators[1], last, is_field=True),
        ),
    ]
    text = f"{first!r} {operators[0]} {middle} {operators[1]} {last}"
    return _joined("and", pairs)._replace(text=text)


def _membership(chance: random.Random) -> Condition:
    name = chance.choice(list(_VALUES))
    members = tuple(chance.sample(_VALUES[name][-3:], chance.randint(1, 2)))
    word = chance.choice(("in", "not in"))

    def verdict(row: Mapping[str, Any]) -> bool | None:
        return None if row[name] is None else (row[name] in members) == (word == "in")

    listed = ", ".join(map(_literal, members))
    return Condition(f"{name} {word} {members!r}", f"{_COLUMNS[name]} {word} ({listed})", verdict)


def _null(chance: random.Random) -> Condition:
    name, word = chance.choice(list(_VALUES)), chance.choice(("is", "is not"))
    return Condition(
        f"{name} {word} None",
        f"{name} {word} null",
        lambda row: (row[name] is None) == (word == "is"),
    )


def _of_sql(operator: str) -> str:
    return {"==": "=", "!=": "<>"}.get(operator, operator)


def _literal(value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    quoted = "'" + value.replace("'", "''") + "'"
    return f"timestamptz {quoted}" if value in MOMENTS else quoted
