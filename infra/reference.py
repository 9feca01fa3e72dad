"""Writes the reference pages of the documentation from the code: python -m infra.reference FOLDER.

Copies docs/pages to the folder first, so that mkdocs finds everything in one place.
"""

import argparse
import inspect
import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from infra.cli.errors import EXIT_CODES
from infra.cli.main import PROGRAM, VERBS, cli
from infra.cli.shapes import shapes
from infra.functions import ROOT
from shared import settings, tables
from shared.api import api_docs
from shared.loading.ledger import Counts
from shared.tables import stored
from shared.tables.kind import Kind
from shared.tables.kinds import KINDS
from shared.validation.reasons import CATALOGUE

PAGES = ROOT / "docs" / "pages"
_MIGRATIONS = ROOT / "shared" / "database" / "migrations" / "versions"


def pages() -> dict[str, str]:
    """Return the text of each page by its name."""
    made = {
        "cli": _cli,
        "api": _api,
        "settings": _settings,
        "dictionary": _dictionary,
        "kinds": _kinds,
        "reasons": _reasons,
        "ledger": _ledger,
    }
    return {f"reference/{name}.md": "\n".join(lines()) + "\n" for name, lines in made.items()}


def main() -> int:
    """Write the pages."""
    parser = argparse.ArgumentParser(description="Write the pages of the documentation.")
    parser.add_argument("folder", type=Path, help="where to; what is there is replaced")
    folder: Path = parser.parse_args().folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(PAGES, folder)
    for name, text in pages().items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


def _cli() -> Iterator[str]:
    yield "# The command line\n"
    yield f"`./{PROGRAM}` works on the platform on this machine, in the folder `.local`, unless"
    yield "`TABLEGATE_URL` and `TABLEGATE_TOKEN`, or a profile, name another. Profiles are parts of"
    yield "`tablegate/profiles.toml` in your folder for settings (`~/.config` on Linux):\n"
    yield '```toml\n[work]\nurl = "https://tablegate.example.com"\ntoken = "tg_..."\n```\n'
    yield "A verb with an answer takes `--json`; the shape of what it prints is at its end.\n"
    yield "## Exit codes\n"
    yield from _table(("code", "meaning"), EXIT_CODES.items())
    yield "\n## Options before the verb\n"
    context = click.Context(cli, info_name=f"./{PROGRAM}")
    yield from _table(("option", "meaning"), _options(cli, context))
    described = shapes(api_docs.build())
    for heading, verbs in VERBS.items():
        yield f"\n## {heading}"
        for name in verbs:
            if (command := cli.get_command(context, name)) is not None:
                yield from _verb(command, click.Context(command, context, name), described)
    yield from _shapes(described)


def _shapes(described: Mapping[str, Any]) -> Iterator[str]:
    """The schemas that only the command line has; the others are those of the API's document."""
    yield "\n## Shapes\n"
    yield "`$ref` names a schema of the platform's `/openapi.json`, or one of these:\n"
    schemas = described["status"]["components"]["schemas"]
    for name in sorted({*schemas} - {*api_docs.build()["components"]["schemas"]}):
        text = json.dumps(schemas[name]).replace("#/components/schemas/", "")
        yield f"- `{name}`: `{text}`"


def _verb(
    command: click.Command, context: click.Context, described: Mapping[str, Any]
) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if (inner := command.get_command(context, name)) is not None:
                yield from _verb(inner, click.Context(inner, context, name), described)
        return
    name = context.command_path.removeprefix(f"./{PROGRAM} ")
    yield f"\n### {name}\n"
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"```\n{context.command_path} {usage}\n```\n"
    yield from (f"{' '.join(part.split())}\n" for part in (command.help or "").split("\n\n"))
    yield from _table(("option", "meaning"), _options(command, context))
    if name in described:
        shape = {k: v for k, v in described[name].items() if k != "components"}
        text = json.dumps(shape).replace("#/components/schemas/", "")
        yield f"\nWith `--json`, as JSON Schema: `{text}`"


def _options(command: click.Command, context: click.Context) -> list[tuple[str, str]]:
    records = (
        one.get_help_record(context) for one in command.params if isinstance(one, click.Option)
    )
    return [(f"`{names}`", meaning) for names, meaning in filter(None, records)]


def _api() -> Iterator[str]:
    document = api_docs.build()
    yield "# The HTTP API\n"
    yield "Every call needs a token, as `X-Token` or as `Authorization: Bearer`. A platform serves"
    yield "this as an OpenAPI document at `/openapi.json`; `/docs` lets you try each call. Errors"
    yield "are RFC 9457 problem details; `type` never changes, and `detail` says what to do."
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield f"\n## {method.upper()} {path}\n"
            yield f"{operation.get('summary', '')}.\n"
            if text := operation.get("description"):
                yield f"{text}\n"
            scopes = [one for way in operation.get("security", [])[:1] for one in way.values()]
            if scopes:
                yield f"Scope: {', '.join(f'`{scope}`' for scope in scopes[0])}.\n"
            given = operation.get("parameters", ())
            parameters = [(f"`{one['name']}`", one["in"], one["description"]) for one in given]
            if parameters:
                yield from _table(("parameter", "in", "meaning"), parameters)
                yield ""
            answers = [
                (status, one["description"], _problems(one))
                for status, one in operation["responses"].items()
            ]
            yield from _table(("answer", "meaning", "problems"), answers)


def _problems(answer: Mapping[str, Any]) -> str:
    kinds = answer.get("x-problem-types", ())
    return ", ".join(f"`{kind.rpartition(':')[2]}`" for kind in kinds)


def _settings() -> Iterator[str]:
    yield "# Settings\n"
    yield "Functions read these variables; the embedded platform sets all of them. To change one,"
    yield "set it in your environment before `./tablegate up`.\n"
    yield settings.as_markdown()


def _dictionary() -> Iterator[str]:
    yield "# The data dictionary\n"
    yield "Each table is described in one file of `shared/tables`; its fields have"
    yield "[kinds](kinds.md)."
    for table in tables.all_tables().values():
        yield f"\n## {table.name}\n"
        yield f"{table.description}\n"
        fields = [
            (
                f"`{name}`",
                type(field).__name__,
                field.description,
                f"`{field.postgres_type}`",
                f"`{field.bigquery_type}`",
            )
            for name, field in table.fields.items()
        ]
        fields += [
            (f"`{n}`", "", c.description, f"`{c.postgres_type}`", f"`{c.bigquery_type}`")
            for n, c in stored.own(table).items()
        ]
        yield from _table(("field", "kind", "meaning", "PostgreSQL", "BigQuery"), fields)
        yield f"\nKey: {', '.join(f'`{name}`' for name in stored.key(table))}."
        for one in table.references:
            names = ", ".join(f"`{name}`" for name in one.fields)
            yield f"{names} {'refers' if len(one.fields) == 1 else 'refer'} to `{one.table}`."
        for unique in table.unique:
            yield f"Unique: {', '.join(f'`{name}`' for name in unique)}."
        if table.checks:
            yield ""
            checks = [(f"`{one.expression}`", one.message) for one in table.checks]
            yield from _table(("check", "message"), checks)


def _kinds() -> Iterator[str]:
    samples = {name: kind.sample() for name, kind in KINDS.items()}
    yield "# Kinds of field\n"
    yield "What a field of a table may be; `shared.tables` has each by its name. A type that"
    yield "depends on options is that of the defaults.\n"
    rows = [
        (
            f"[{name}](#{name.lower()})",
            ", ".join(f"`{option}`" for option in _arguments(type(kind))),
            f"`{kind.postgres_type}`",
            _avro(kind.avro_type),
            f"`{kind.bigquery_type}`",
            f"`{json.dumps(kind.example('name'))}`",
            f"`{_cell_of(kind)}`",
        )
        for name, kind in samples.items()
    ]
    heads = ("kind", "options", "PostgreSQL", "Avro", "BigQuery", "in JSON", "in a CSV cell")
    yield from _table(heads, rows)
    yield "\n## Options of every kind\n"
    yield f"{_paragraphs(Kind)[1]}\n"
    yield from _table(("option", "meaning"), [one[:2] for one in _options_of(Kind)])
    for name, kind in samples.items():
        yield f"\n## {name}\n"
        yield from (f"{paragraph}\n" for paragraph in _paragraphs(type(kind)))
        yield f"Avro types of files to restore: {kind.avro_taken}.\n"
        if options := _options_of(type(kind)):
            yield from _table(("option", "meaning", "default"), options)
            yield ""
        rejected = [(f"`{code}`", one.template) for code, one in kind.reasons.items()]
        yield from _table(("rejected as", "sentence"), rejected)


def _arguments(kind: type[Any]) -> dict[str, inspect.Parameter]:
    """Return the options that a class adds to those of the class above."""
    if "__init__" not in vars(kind):
        return {}
    found = inspect.signature(kind).parameters
    return {name: one for name, one in found.items() if one.kind is one.KEYWORD_ONLY}


def _options_of(kind: type[Any]) -> list[tuple[str, str, str]]:
    text = inspect.getdoc(kind.__init__) or ""
    described = dict(re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", text, re.MULTILINE))
    return [
        (f"`{name}`", " ".join(described[name].split()), _default(one.default))
        for name, one in _arguments(kind).items()
    ]


def _default(value: Any) -> str:
    if value is inspect.Parameter.empty:
        return "must be given"
    return "" if value is None else f"`{value}`"


def _paragraphs(described: Any) -> list[str]:
    return [" ".join(one.split()) for one in (inspect.getdoc(described) or "").split("\n\n")]


def _avro(type_: Any) -> str:
    if isinstance(type_, str):
        return f"`{type_}`"
    return f"`{type_['type']}` as `{type_['logicalType']}`"


def _cell_of(kind: Kind) -> str:
    example = kind.example("name")
    return example if isinstance(example, str) else kind.copy_text(kind.deserialize(example))


def _reasons() -> Iterator[str]:
    yield "# Reasons\n"
    yield "Why a row is rejected: the code, which never changes, and the sentence that people see."
    yield "Words in braces are facts of the row.\n"
    rows = [(f"`{code}`", one.title, one.template) for code, one in sorted(CATALOGUE.items())]
    yield from _table(("code", "title", "sentence"), rows)


def _ledger() -> Iterator[str]:
    yield "# The ledger\n"
    yield "Every file, batch, replay and restore has one entry in the table `loads` of PostgreSQL."
    yield "What was read is the sum of the six counts after it; what a restore deletes is another."
    yield "\n## Counts\n"
    described = msgspec_fields()
    yield from _table(("count", "meaning"), described)
    yield "\n## Tables\n"
    yield "As the migrations make them, in this order:\n"
    for path in sorted(_MIGRATIONS.glob("[0-9]*.py")):
        text = path.read_text("utf-8")
        yield f"\n### {path.stem}\n"
        yield f"{text.partition(chr(34) * 3)[2].partition(chr(34) * 3)[0].strip()}\n"
        for found in re.finditer(r'UP = """\n(.*?)"""', text, re.DOTALL):
            yield f"```sql\n{found[1].strip()}\n```"


def msgspec_fields() -> list[tuple[str, str]]:
    """Return the counts of a load, with what each means."""
    schemas = api_docs.build()["components"]["schemas"]
    found = schemas[Counts.__name__]["properties"]
    return [(f"`{name}`", of.get("description", "")) for name, of in found.items()]


def _table(heads: Sequence[str], rows: Any) -> Iterator[str]:
    made = [[_cell(value) for value in row] for row in rows]
    if not made:
        return
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    yield from (f"| {' | '.join(row)} |" for row in made)


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main())
