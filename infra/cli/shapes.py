"""The shape of what each verb prints with `--json`, as JSON Schema.

Verbs that call a platform print its answers as they are, so their shapes are those of its document.
"""

from __future__ import annotations

from typing import Any

import msgspec

from infra.cli.commands.doctor import Check
from infra.cli.commands.platform import Status
from shared.metrics import all_metrics

_REF = "#/components/schemas/{name}"
_TEXT = {"type": "string"}


def shapes(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a schema for each verb that has an answer.

    Args:
        document: the OpenAPI document of a platform.
    """
    (status, check), structs = msgspec.json.schema_components((Status, Check), ref_template=_REF)
    components = {"components": {"schemas": document["components"]["schemas"] | structs}}
    tables = [
        path.removeprefix("/read_rows/")
        for path in document["paths"]
        if path.startswith("/read_rows/") and "{" not in path
    ]
    documents = {name: one.document.__name__ for name, one in all_metrics().items()}
    found = {
        **dict.fromkeys(("up", "status"), status),
        "doctor": _object(checks=_list(check)),
        "open": _object(url=_TEXT),
        "env": _object(TABLEGATE_URL=_TEXT, TABLEGATE_TOKEN=_TEXT),
        "token new": _object(name=_TEXT, token=_TEXT, scopes=_list(_TEXT)),
        "token list": _object(tokens=_list(_object(name=_TEXT, scopes=_list(_TEXT), expires={}))),
        "token revoke": _object(revoked=_TEXT),
        "table new": _object(table=_TEXT, path=_TEXT, text=_TEXT, doubts=_list(_TEXT)),
        "completion": _object(shell=_TEXT, script=_TEXT),
        "drop": _object(files=_list(_dropped())),
        "loads": _object(rows=_list(_named("Load"))),
        "load": _named("Load"),
        "rows": _object(rows=_list(_any(*(f"{table}_stored" for table in tables)))),
        "rows KEY": _any(*(f"{table}_stored" for table in tables)),
        "rejects": _object(rows=_list(_named("Reject"))),
        "replay": _named("Replayed"),
        "discard": _named("Discarded"),
        "backup": _any("Backup", "BackupSet", "BackupList"),
        "restore": _any("Restored", "RestoredSet"),
        "metrics": _object(**{name: _named(one) for name, one in documents.items()}),
        "metrics NAME": _any(*documents.values()),
        "freshness": _named("Freshness"),
        "reconcile": _named("Reconciled"),
    }
    return {verb: {**shape, **components} for verb, shape in found.items()}


def _dropped() -> dict[str, Any]:
    sent = {"file": _TEXT, "table": _TEXT, "load_id": _TEXT, "source": _TEXT, "size_bytes": {}}
    # With --wait, what became of it.
    end = {"state": _TEXT, "counts": _any("Counts", None), "error": {"type": ["object", "null"]}}
    return {"type": "object", "properties": sent | end, "required": [*sent]}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties]}


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


def _named(name: str) -> dict[str, Any]:
    return {"$ref": _REF.format(name=name)}


def _any(*names: str | None) -> dict[str, Any]:
    return {"anyOf": [{"type": "null"} if name is None else _named(name) for name in names]}
