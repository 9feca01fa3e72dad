"""The one place that makes real things, each once a process, at first use.

Everything below takes them as arguments. The libraries themselves are imported here at first use:
a function that never publishes never loads Pub/Sub.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared import settings as settings_room
from shared.first_use import Once, importing
from shared.settings import Settings

if TYPE_CHECKING:
    import sqlalchemy as sa

    from shared.loading.uploads import Uploads
    from shared.storage import ObjectStore, StoredObject


@Once
def settings() -> Settings:
    """The settings of this process.

    Raises:
        ConfigurationError: naming every variable that is wrong.
    """
    return settings_room.read()


def configure(variables: Mapping[str, str]) -> None:
    """Take settings that have travelled with a pipeline to this worker, before anything is made."""
    os.environ.update(variables)


@Once
def engine() -> "sa.Engine":
    """The database, with its pool of connections."""
    from shared.database.engine import create

    return create(settings())


@Once
def storage_client() -> Any:
    """Cloud Storage's client."""
    from google.cloud import storage

    settings().require("google_cloud_project")
    return storage.Client(project=settings().google_cloud_project, **_credentials("STORAGE"))


@Once
def object_store() -> "ObjectStore":
    """Cloud Storage, with its errors mapped."""
    from shared.storage import ObjectStore

    return ObjectStore(storage_client())


@Once
def publisher() -> Any:
    """Pub/Sub's publisher."""
    from google.cloud import pubsub_v1

    settings().require("google_cloud_project")
    # Not the bare client of the service: this one knows where an emulator is.
    return pubsub_v1.PublisherClient()


@Once
def bigquery_client() -> Any:
    """BigQuery."""
    from google.cloud import bigquery

    settings().require("google_cloud_project")
    return bigquery.Client(project=settings().google_cloud_project, **_credentials("BIGQUERY"))


def _credentials(service: str) -> dict[str, Any]:
    # Where the library is pointed at an emulator there is nobody to authenticate to.
    if not os.environ.get(f"{service}_EMULATOR_HOST"):
        return {}
    with importing():
        from google.auth.credentials import AnonymousCredentials

    return {"credentials": AnonymousCredentials()}


@Once
def uploads() -> "Uploads":
    """What loads files of the uploads bucket."""
    from shared.loading.uploads import Uploads

    hand_over = _hand_over if settings().dataflow_template else None
    return Uploads(settings(), engine(), object_store(), publisher(), hand_over)


@Once
def dataflow_client() -> Any:
    """Dataflow."""
    from shared.dataflow import connect

    return connect(settings())


def _hand_over(stored: "StoredObject") -> None:
    # Heavy, and most functions never see so large a file.
    with importing():
        from shared import dataflow
        from shared.loading.ledger import load_id_of

    load_id = str(load_id_of(stored.identity))
    dataflow.launch(
        dataflow_client(), settings(), load_id, stored.bucket, stored.name, stored.generation
    )
