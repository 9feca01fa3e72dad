"""The warehouse's doors, on the tests' own database and warehouse, and how they are called."""

import hashlib
import json
import time
from contextlib import suppress

import functions_framework
import pytest
from google.auth import crypt, jwt

from infra.local.keys import KEY_ID
from shared import wiring
from shared.api import metrics
from tests.support.checkout import ROOT
from tests.warehouse.conftest import STAGING

TOKENS = {"metrics": "a-token-of-the-tests", "backups": "another-token-of-the-tests"}
METRICS = {"X-Token": TOKENS["metrics"]}
BACKUPS = {"X-Token": TOKENS["backups"]}
HIRED = "1,Ana,2021-02-03T04:05:06Z,1,1\n2,Bo,2021-12-31T00:00:00Z,1,1\n"


@pytest.fixture
def door(platform, warehouse, database_url, monkeypatch):
    """A function as the framework serves it, on the tests' own warehouse and database."""
    made = ("settings", "engine", "storage_client", "bigquery_client")
    names = warehouse.names
    tokens = [
        {"name": scope, "sha256": hashlib.sha256(token.encode()).hexdigest(), "scopes": [scope]}
        for scope, token in TOKENS.items()
    ]
    for name, value in {
        "GOOGLE_CLOUD_PROJECT": names.project,
        "DATABASE_URL": database_url,
        "STAGING_BUCKET": STAGING,
        "WAREHOUSE_DATASET": names.warehouse,
        "REPORTING_DATASET": names.reporting,
        "TOKENS": json.dumps(tokens),
        "PUSH_AUDIENCE": "tablegate",
        "PUSH_ACCOUNT": "pubsub@tablegate-local.iam",
        "PUSH_CERTS_URL": f"{platform.gateway}/push-certs",
        "STORAGE_EMULATOR_HOST": platform.description["storage"]["endpoint"],
        "BIGQUERY_EMULATOR_HOST": platform.description["bigquery"]["endpoint"],
    }.items():
        monkeypatch.setenv(name, value)
    _forget(made)

    def open_door(name):
        # A new instance has no responses of another one.
        metrics.response_cache.forget()
        source = ROOT / "functions" / name / "main.py"
        return functions_framework.create_app(name, str(source), "http").test_client()

    yield open_door
    if wiring.engine.is_made:
        wiring.engine().dispose()
    for client in (wiring.storage_client, wiring.bigquery_client):
        if client.is_made:
            client().close()
    _forget(made)


@pytest.fixture
def pushed(platform):
    """A push as the platform's Pub/Sub signs and sends it."""
    signer = crypt.RSASigner.from_string(platform.home.signing_key.read_text(), KEY_ID)
    now = int(time.time())
    claims = {
        "iss": "https://accounts.google.com",
        "aud": "tablegate",
        "email": "pubsub@tablegate-local.iam",
        "email_verified": True,
        "sub": "1",
        "iat": now,
        "exp": now + 3600,
    }
    return {
        "headers": {"Authorization": f"Bearer {jwt.encode(signer, claims).decode()}"},
        "json": {
            "message": {"data": "e30=", "attributes": {"table": "jobs"}, "messageId": "1"},
            "subscription": "projects/p/subscriptions/s",
        },
    }


@pytest.fixture
def hired(drop, sync):
    """Two hires of one department, beside another that hired nobody."""
    drop("departments", '1,"Sales, ""new"""\n2,Legal\n')
    drop("jobs", "1,Welder\n")
    drop("hired_employees", HIRED)
    sync.run()


def _forget(names):
    for name in names:
        with suppress(AttributeError):
            getattr(wiring, name).forget()
