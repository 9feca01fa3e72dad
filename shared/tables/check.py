"""Conditions that the fields of one row must meet together."""

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError

from shared.errors import ConfigurationError
from shared.tables.kind import Kind

_NUMBERS = (int, float, Decimal)


@dataclass(frozen=True)
class Check:
    """A condition that every row of a table must meet.

    The expression compares fields with fields or literals (`==`, `!=`, `<`, `<=`, `>`, `>=`, `in`
    and `not in` a tuple, `is None`, `is not None`), and combines comparisons by `and`, `or` and
    `not`. A field whose values are true and false is a condition, too.

    As in SQL, a comparison with NULL is unknown, and a row violates only a condition that is false.

    Attributes:
        expression: the condition, such as `ended_at >= started_at`.
        message: the sentence for a row that violates it.
    """

    expression: str
    message: str


@dataclass(frozen=True)
class CompiledCheck:
    """A check as Python code.

    Attributes:
        names: the fields that the expression names.
        message: the sentence for a row that violates it.
        violations: takes the columns of checked values of these fields, and returns the places of
            the rows that violate the check.
        literals: checked values that the expression compares with a field, by the field's name.
    """

    names: tuple[str, ...]
    message: str
    violations: Callable[[Iterable[Iterable[Any]]], list[int]]
    literals: Mapping[str, Sequence[Any]] = field(compare=False)


def compiled(check: Check, table: str, fields: Mapping[str, Kind]) -> CompiledCheck:
    """Compile a check of a table with these fields.

    Raises:
        ConfigurationError: the check cannot be used; the text says why.
    """
    return _Compiler(check, table, fields).compiled()


class _Compiler:
    def __init__(self, check: Check, table: str, fields: Mapping[str, Kind]) -> None:
        self.check, self.table, self.fields = check, table, fields
        self.source = check.expression.strip()
        # The variable of each field that the expression names, and the values of other variables.
        self.variables: dict[str, str] = {}
        self.constants: dict[str, Any] = {}
        self.literals: dict[str, list[Any]] = {}

    def compiled(self) -> CompiledCheck:
        if not self.check.message.strip():
            raise self.error("has no message", "write the sentence for a row that violates it")
        try:
            parsed = ast.parse(self.source, mode="eval").body
        except (SyntaxError, ValueError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else error
            raise self.error(f"is no expression ({reason})", "correct it") from None
        violated = self.condition(parsed, wanted=False)
        tree: Any = ast.parse(
            "lambda columns: [place for place, (_,) in enumerate(zip(*columns)) if violated]",
            mode="eval",
        )
        (loop,) = tree.body.body.generators
        loop.target.elts[1].elts = [ast.Name(one, ast.Store()) for one in self.variables.values()]
        loop.ifs = [violated]
        code = compile(ast.fix_missing_locations(tree), f"<check of {self.table}>", "eval")
        # Built above of nothing but fields, literals, comparisons, and, or, not.
        violations = eval(code, self.constants)  # noqa: S307  # nosec B307
        names = tuple(self.variables)
        return CompiledCheck(names, self.check.message, violations, self.literals)

    def condition(self, node: ast.expr, *, wanted: bool) -> ast.expr:
        """Build an expression that is true if the condition is `wanted`, and false if not.

        It is false, too, if the condition is unknown.
        """
        if isinstance(node, ast.BoolOp):
            parts = [self.condition(part, wanted=wanted) for part in node.values]
            return _joined(parts, every=isinstance(node.op, ast.And) == wanted)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self.condition(node.operand, wanted=not wanted)
        if isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
            pairs = zip(operands[:-1], node.ops, operands[1:], strict=True)
            return _joined([self.comparison(*pair, wanted=wanted) for pair in pairs], every=wanted)
        if isinstance(node, ast.Name) and isinstance(self.sample(node), bool):
            return self.known([node], self.variable(node), wanted=wanted)
        raise self.error(
            f"holds {self.text(node)!r}, which is no condition",
            "write comparisons of fields, joined by and, or, not",
        )

    def comparison(
        self, left: ast.expr, operator: ast.cmpop, right: ast.expr, *, wanted: bool
    ) -> ast.expr:
        if isinstance(operator, ast.Is | ast.IsNot):
            if not isinstance(left, ast.Name) or not _is_none(right):
                raise self.error(
                    f"holds {self.text(right)!r} after `is`, which takes a field and None",
                    "write == or != to compare values",
                )
            wanted = wanted == isinstance(operator, ast.Is)
            return _is_null(self.variable(left), negated=not wanted)
        if _is_none(left) or _is_none(right):
            raise self.error(
                "compares with None, which is never true", "write `is None` or `is not None`"
            )
        if isinstance(operator, ast.In | ast.NotIn):
            if not isinstance(left, ast.Name) or not isinstance(right, ast.Tuple) or not right.elts:
                raise self.error(
                    f"holds {self.text(right)!r} after `in`, which takes a field and a tuple",
                    "write a tuple of literals, such as (1, 2) or (1,)",
                )
            members = tuple([self.literal(one, left) for one in right.elts])
            test = ast.Compare(self.variable(left), [operator], [self.constant(members)])
            return self.known([left], test, wanted=wanted)
        fields = [side for side in (left, right) if isinstance(side, ast.Name)]
        if len(fields) == 2:
            self.check_types(left, right)
        values = [self.operand(left, right), self.operand(right, left)]
        return self.known(fields, ast.Compare(values[0], [operator], [values[1]]), wanted=wanted)

    def operand(self, node: ast.expr, other: ast.expr) -> ast.expr:
        """Return the variable of a field, or of a literal that is compared with a field."""
        if isinstance(node, ast.Name):
            return self.variable(node)
        if not isinstance(other, ast.Name):
            raise self.error(
                f"compares {self.text(node)!r} with {self.text(other)!r}",
                "name a field on one side",
            )
        return self.constant(self.literal(node, other))

    def known(self, fields: Sequence[ast.expr], test: ast.expr, *, wanted: bool) -> ast.expr:
        """Return the test of known values: those that may be NULL are tested for it first."""
        guards = [
            _is_null(self.variable(field), negated=True)
            for field in fields
            if self.field(field).nullable
        ]
        decided = test if wanted else ast.UnaryOp(ast.Not(), test)
        return _joined([*guards, decided], every=True)

    def variable(self, node: ast.expr) -> ast.expr:
        self.field(node)
        name = self.variables.setdefault(self.text(node), f"f{len(self.variables)}")
        return ast.Name(name, ast.Load())

    def constant(self, value: Any) -> ast.expr:
        name = f"k{len(self.constants)}"
        self.constants[name] = value
        return ast.Name(name, ast.Load())

    def field(self, node: ast.expr) -> Kind:
        name = self.text(node)
        if name not in self.fields:
            raise self.error(
                f"names {name!r}, which is not a field", f"use one of {', '.join(self.fields)}"
            )
        return self.fields[name]

    def sample(self, node: ast.expr) -> Any:
        """Return a checked value of a field, which stands for all of them."""
        field = self.field(node)
        if "type" not in field.json_schema():
            # Its values may be of any type, and have no order.
            return object()
        return field.from_json(field.example(self.text(node)))

    def check_types(self, left: ast.expr, right: ast.expr) -> None:
        """Check that values of two fields can be compared."""
        samples = [self.sample(left), self.sample(right)]
        if not _have_one_type(*samples) or {float, Decimal} == set(map(type, samples)):
            raise self.no_comparison(left, right)

    def literal(self, node: ast.expr, compared: ast.expr) -> Any:
        """Return a literal as a checked value of the field that it is compared with."""
        found = self.converted(node, compared)
        self.literals.setdefault(self.text(compared), []).append(found)
        return found

    def converted(self, node: ast.expr, compared: ast.expr) -> Any:
        value, sample = self.parsed(node), self.sample(compared)
        is_number = type(value) in (int, Decimal)
        if is_number and type(sample) in _NUMBERS:
            # It may lie beyond what the field accepts: `amount < 0`.
            return float(value) if isinstance(sample, float) else value
        try:
            found = self.field(compared).from_json(float(value) if is_number else value)
        except ValidationError as error:
            (refusal, *_) = error.messages
            raise self.error(
                f"compares {self.text(compared)} with {self.text(node)}, which is no "
                f"{type(self.field(compared)).__name__} ({getattr(refusal, 'code', refusal)})",
                "write a value that the field accepts",
            ) from None
        if not _have_one_type(found, sample):
            raise self.no_comparison(compared, node)
        return found

    def parsed(self, node: ast.expr) -> Any:
        """Return a number, a text or a truth value; one with a point or an exponent is exact."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value = self.parsed(node.operand)
            if type(value) in (int, Decimal):
                return -value
        if isinstance(node, ast.Constant) and type(node.value) in (int, float, str, bool):
            return Decimal(self.text(node)) if type(node.value) is float else node.value
        raise self.error(
            f"holds {self.text(node)!r}, which is neither a field nor a literal",
            "compare fields with fields, numbers, texts, True or False",
        )

    def text(self, node: ast.expr) -> str:
        return ast.get_source_segment(self.source, node) or ""

    def no_comparison(self, *operands: ast.expr) -> ConfigurationError:
        named = [
            f"{self.text(one)} ({type(self.field(one)).__name__})"
            if isinstance(one, ast.Name)
            else self.text(one)
            for one in operands
        ]
        return self.error(
            f"compares {' with '.join(named)}", "compare values of one type that has an order"
        )

    def error(self, problem: str, remedy: str) -> ConfigurationError:
        return ConfigurationError(
            f"Check {self.source!r} of table {self.table!r} {problem}; {remedy}."
        )


def _joined(parts: list[ast.expr], *, every: bool) -> ast.expr:
    return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And() if every else ast.Or(), parts)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_null(variable: ast.expr, *, negated: bool) -> ast.expr:
    return ast.Compare(variable, [ast.IsNot() if negated else ast.Is()], [ast.Constant(None)])


def _have_one_type(one: Any, other: Any) -> bool:
    """Return whether two values have an order, and are of one type as SQL sees it."""
    if type(one) is not type(other) and not {type(one), type(other)} <= set(_NUMBERS):
        return False
    try:
        # A moment with an offset and one without have the same type, and no order.
        return isinstance(one <= other, bool)
    except TypeError:
        return False
