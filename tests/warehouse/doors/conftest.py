"""The warehouse's doors, on the tests' own database and warehouse, and how they are called."""

import json

import pytest

from shared.api import metrics
from tests.support import apps
from tests.warehouse.doors.callers import TOKENS

HIRED = "1,Ana,2021-02-03T04:05:06Z,1,1\n2,Bo,2021-12-31T00:00:00Z,1,1\n"


@pytest.fixture
def door(
    warehouse, database_url, staging, storage_endpoint, bigquery_endpoint, push_settings, configure
):
    """A function as the framework serves it, on the tests' own warehouse and database."""
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

    def open_door(name):
        # A new instance has no responses of another one.
        metrics.response_cache.forget()
        return apps.load(name).app.test_client()

    return open_door


@pytest.fixture
def pushed(push_headers):
    """A push as Pub/Sub signs and sends it."""
    return {
        "headers": push_headers,
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
