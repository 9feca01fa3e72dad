"""What a platform's own document says of its tables."""

from typing import Any

from infra.cli.client import Client

_ROWS = "/insert_rows/"


def read(client: Client) -> dict[str, dict[str, str]]:
    """Return the fields of each table, with the JSON type of each."""
    document: dict[str, Any] = client.get("/openapi.json")
    schemas = document["components"]["schemas"]
    names = [path.removeprefix(_ROWS) for path in document["paths"] if path.startswith(_ROWS)]
    return {
        name: {field: str(of.get("type")) for field, of in schemas[name]["properties"].items()}
        for name in names
        if name in schemas
    }
