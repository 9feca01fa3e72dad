"""The SQL beside this module, by name."""

from pathlib import Path

_SQL = Path(__file__).parent / "sql"


def _named_statements() -> dict[str, str]:
    sections = (_SQL / "statements.sql").read_text(encoding="utf-8").split("-- name: ")[1:]
    return {name.strip(): body.strip() for name, _, body in (s.partition("\n") for s in sections)}


SCHEMA = (_SQL / "schema.sql").read_text(encoding="utf-8")
STATEMENTS = _named_statements()
