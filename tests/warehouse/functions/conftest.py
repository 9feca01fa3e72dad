"""Clients for the warehouse's functions, on the test's own database and warehouse."""

import json

import pytest

from shared.api import metrics
from tests.support import apps
from tests.warehouse.functions.callers import TOKENS

HIRED = "1,Ana,2021-02-03T04:05:06Z,1,1\n2,Bo,2021-12-31T00:00:00Z,1,1\n"


@pytest.fixture
def client_of(
    warehouse, database_url, staging, storage_endpoint, bigquery_endpoint, push_settings, configure
):
    """Makes a client for a function, on the test's own warehouse and database."""
    names = warehouse.names
    tokens = [apps.token(scope, text, scope) for scope, text in TOKENS.items()]
    configure(
        {
            "GOOGLE_CLOUD_PROJECT": names.project,
            "DATABASE_URL": database_url,
            "STAGING_BUCKET": staging,
            "WAREHOUSE_DATASET": names.warehouse,
            "REPORTING_DATASET": names.reporting,
            "TOKENS": json.dumps(tokens),
            "STORAGE_EMULATOR_HOST": storage_endpoint,
            "BIGQUERY_EMULATOR_HOST": bigquery_endpoint,
            **push_settings,
        }
    )

    def make(name):
        # A new instance starts with an empty response cache.
        metrics.response_cache.forget()
        return apps.load(name).app.test_client()

    return make


@pytest.fixture
def pushed(push_headers):
    """A push, signed as Pub/Sub signs it."""
    return {
        "headers": push_headers,
        "json": {
            "message": {"data": "e30=", "attributes": {"table": "jobs"}, "messageId": "1"},
            "subscription": "projects/p/subscriptions/s",
        },
    }


@pytest.fixture
def hired(drop, sync):
    """Two hires in one department, and a department without hires."""
    drop("departments", '1,"Sales, ""new"""\n2,Legal\n')
    drop("jobs", "1,Welder\n")
    drop("hired_employees", HIRED)
    sync.run()
