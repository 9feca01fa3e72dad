"""Functions called in-process, with a database and topics for each test."""

import json

import pytest

from tests.database.functions.service import SCOPES, Service
from tests.support import apps


@pytest.fixture
def service(topics, database_url, configure) -> Service:
    """Test clients of the functions."""
    tokens = [apps.token(name, f"{name}'s token", *SCOPES) for name in ("ann", "bob")]
    configure({"DATABASE_URL": database_url, "TOKENS": json.dumps(tokens)})
    insert, rejects = (
        apps.load(name).app.test_client() for name in ("insert_rows", "rejected_rows")
    )
    return Service(insert, rejects, topics)
