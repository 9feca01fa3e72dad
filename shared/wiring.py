"""Makes the clients of real services, each once per process, at first use.

No other module makes one: they take clients as arguments.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from shared import settings as settings_of
from shared.database import engine as engines
from shared.lazy import Once, auth_credentials, bigquery, gcs, pubsub_v1
from shared.lazy import sqlalchemy as sa
from shared.settings import Settings
from shared.storage import ObjectStore


@Once
def settings() -> Settings:
    """Return the settings of this process.

    Raises:
        ConfigurationError: names every variable that is wrong.
    """
    return settings_of.read()


def configure(variables: Mapping[str, str]) -> None:
    """Use settings that a pipeline sent to this worker; call this before any client is made."""
    os.environ.update(variables)


@Once
def engine() -> sa.Engine:
    """Return the database engine, with its pool of connections."""
    return engines.create(settings())


@Once
def storage_client() -> Any:
    """Return Cloud Storage's client."""
    settings().require("google_cloud_project")
    return gcs.Client(project=settings().google_cloud_project, **_credentials("STORAGE"))


@Once
def object_store() -> ObjectStore:
    """Return Cloud Storage, with its errors mapped."""
    return ObjectStore(storage_client())


@Once
def publisher() -> Any:
    """Return Pub/Sub's publisher."""
    settings().require("google_cloud_project")
    # Not the low-level client: only this one reads the emulator's address.
    return pubsub_v1.PublisherClient()


@Once
def bigquery_client() -> Any:
    """BigQuery."""
    settings().require("google_cloud_project")
    return bigquery.Client(project=settings().google_cloud_project, **_credentials("BIGQUERY"))


def _credentials(service: str) -> dict[str, Any]:
    # An emulator does not authenticate callers.
    if not os.environ.get(f"{service}_EMULATOR_HOST"):
        return {}
    return {"credentials": auth_credentials.AnonymousCredentials()}
