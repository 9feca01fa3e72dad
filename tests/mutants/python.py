"""Changes of Python, one at a time.

They are the ones that mutation testing has always used: a comparison is moved by one or turned
round, `and` becomes `or`, a number grows, a call is left out.
"""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from tests.mutants import sql

_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
_ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.FloorDiv: ("//", "*"),
    ast.Div: ("/", "*"),
    ast.Mod: ("%", "+"),
    ast.BitOr: ("|", "&"),
    ast.BitAnd: ("&", "|"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
}
# They guard against mistakes of later changes, or save memory.
_OF_NO_EFFECT = {"strict", "frozen", "slots"}
# A deadline that comes a second later is as good.
_SECONDS = re.compile("(?i)seconds|timeout")
# In a regular expression: how often, and the last character of a class.
_REPEAT = re.compile(r"(?<=[\])\w.])(?<!\\)[*+?](?![?+=!<:])|\{(\d+)\}")
_LAST_OF_CLASS = re.compile(r"(?<=[^\[\\-])([^\[\]\\-])(?=\])|(?<=[^\[\\])(\\.)(?=\])")


def changes(text: str) -> Iterator[tuple[int, int, str]]:
    """Each change of a module: first and last character, and what stands there instead."""
    return _Finder(text).found()


class _Finder:
    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0]
        for line in text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._lines = [line.encode() for line in text.splitlines(keepends=True)]
        self._root = ast.parse(text)
        self._left_out = self._without_meaning()

    def found(self) -> Iterator[tuple[int, int, str]]:
        for node in ast.walk(self._root):
            if node not in self._left_out:
                yield from self._of(node)

    def _without_meaning(self) -> set[ast.AST]:
        """Docstrings, annotations, and what only type checkers read."""
        left_out = (part for node in ast.walk(self._root) for part in _without_meaning(node))
        return {inner for part in left_out for inner in ast.walk(part)}

    def _of(self, node: ast.AST) -> Iterator[tuple[int, int, str]]:
        match node:
            case ast.Compare():
                sides = [node.left, *node.comparators]
                for (left, right), operator in zip(pairwise(sides), node.ops, strict=True):
                    yield from self._between(left, right, *_COMPARISONS[type(operator)])
            case ast.BoolOp():
                words = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
                for left, right in pairwise(node.values):
                    yield from self._between(left, right, *words)
            case ast.BinOp() if type(node.op) in _ARITHMETIC and not _joins_text(node):
                yield from self._between(node.left, node.right, *_ARITHMETIC[type(node.op)])
            case ast.UnaryOp(op=ast.Not()):
                start, end = self._span(node)
                yield start, end, f"({self._source(node.operand)})"
            case ast.Constant(value=bool()):
                yield (*self._span(node), str(not node.value))
            case ast.Constant(value=int() | float()):
                yield (*self._span(node), str(node.value + 1))
            case ast.Constant(value=str()):
                yield from self._of_text(node)
            case ast.Call() if ast.unparse(node.func) == "re.compile":
                yield from self._of_expression(node.args[0])
            case ast.If() | ast.While() | ast.IfExp():
                yield from self._negated(node.test)
            case ast.comprehension():
                for condition in node.ifs:
                    yield from self._negated(condition)
            case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Raise() | ast.Continue():
                yield (*self._span(node), "pass")
            case ast.Break():
                yield (*self._span(node), "continue")

    def _of_text(self, node: ast.Constant) -> Iterator[tuple[int, int, str]]:
        start, end = self._span(node)
        written = self._text[start:end]
        if sql.looks_like_sql(node.value) and written.isascii():
            for first, last, replacement in sql.changes(written):
                yield start + first, start + last, replacement

    def _of_expression(self, node: ast.expr) -> Iterator[tuple[int, int, str]]:
        start, end = self._span(node)
        written = self._text[start:end]
        for found in _REPEAT.finditer(written):
            with_one_more = f"{{{int(found[1]) + 1}}}" if found[1] else ""
            other = {"*": "+", "+": "*", "?": ""}.get(found.group(), with_one_more)
            yield start + found.start(), start + found.end(), other
        for found in _LAST_OF_CLASS.finditer(written):
            yield start + found.start(), start + found.end(), ""

    def _negated(self, condition: ast.expr) -> Iterator[tuple[int, int, str]]:
        # The others have changes of their own.
        if isinstance(condition, ast.Compare | ast.BoolOp | ast.UnaryOp):
            return
        start, end = self._span(condition)
        yield start, end, f"(not ({self._text[start:end]}))"

    def _between(
        self, left: ast.expr, right: ast.expr, word: str, other: str
    ) -> Iterator[tuple[int, int, str]]:
        start, end = self._span(left)[1], self._span(right)[0]
        pattern = re.escape(word).replace(r"\ ", r"\s+")
        if found := re.search(rf"(?<![\w<>=]){pattern}(?![\w<>=])", self._text[start:end]):
            yield start + found.start(), start + found.end(), other

    def _span(self, node: Any) -> tuple[int, int]:
        return (
            self._position(node.lineno, node.col_offset),
            self._position(node.end_lineno, node.end_col_offset),
        )

    def _position(self, line: int, column: int) -> int:
        return self._starts[line - 1] + len(self._lines[line - 1][:column].decode())

    def _source(self, node: ast.expr) -> str:
        start, end = self._span(node)
        return self._text[start:end]


def _without_meaning(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node whose change no test should have to notice."""
    match node:
        case ast.Expr(value=ast.Constant()):
            yield node
        case ast.If(test=ast.Name("TYPE_CHECKING")):
            yield node
        case ast.arg(annotation=ast.expr()):
            yield node.annotation
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from [node.returns, *node.decorator_list] if node.returns else node.decorator_list
        case ast.ClassDef():
            yield from (*node.decorator_list, *node.keywords)
        case ast.Call(func=ast.Name("cast" | "TypeVar")):
            yield node.args[0]
        case ast.keyword(arg=str(name)) if name in _OF_NO_EFFECT or _SECONDS.search(name):
            yield node
        case ast.Assign(targets=[target]) if _SECONDS.search(ast.unparse(target)):
            yield node
        case ast.AnnAssign():
            yield node if _SECONDS.search(ast.unparse(node.target)) else node.annotation


def _joins_text(node: ast.BinOp) -> bool:
    """Whether `+` joins text, which is the only way to write it."""
    return any(
        isinstance(side, ast.JoinedStr)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str | bytes))
        for side in (node.left, node.right)
    )
