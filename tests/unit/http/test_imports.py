"""A function imports nothing heavy before its first call."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FUNCTIONS = sorted(main.parent.name for main in (ROOT / "functions").glob("*/main.py"))
HEAVY = {
    *("google.auth", "google.api_core", "google.protobuf", "google.cloud.storage"),
    *("google.cloud.bigquery", "google.cloud.pubsub_v1", "fastavro", "cryptography", "grpc"),
    *("sqlalchemy", "alembic", "pg8000", "apispec", "requests", "polars", "numpy", "cramjam"),
    *("isal", "google_crc32c", "aiohttp", "urllib.request"),
}


def loaded_by(statement: str) -> set[str]:
    script = f"import sys; {statement}; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_shared_http_imports_nothing_heavy():
    statement = "import shared.http.app, shared.http.document, shared.http.page"

    assert HEAVY & loaded_by(statement) == set()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_imports_nothing_heavy_before_its_first_call(name):
    statement = f"import functions.{name}.main"

    assert HEAVY & loaded_by(statement) == set()
