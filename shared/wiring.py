"""The one place that makes real things, each once a process, at first use.

Everything below takes them as arguments. The libraries themselves are imported here at first use:
a function that never publishes never loads Pub/Sub.
"""

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from shared import settings as settings_room
from shared.settings import Settings

if TYPE_CHECKING:
    import sqlalchemy as sa

    from shared.loading.uploads import Uploads


@cache
def settings() -> Settings:
    """The settings of this process.

    Raises:
        ConfigurationFault: naming every variable that is wrong.
    """
    return settings_room.read()


@cache
def engine() -> "sa.Engine":
    """The database, with its pool of connections."""
    from shared.database.engine import create

    return create(settings())


@cache
def storage_client() -> Any:
    """Cloud Storage."""
    from google.cloud import storage

    settings().require("google_cloud_project")
    return storage.Client(project=settings().google_cloud_project, **_credentials("STORAGE"))


@cache
def publisher() -> Any:
    """Pub/Sub's publisher."""
    from google.cloud import pubsub_v1

    settings().require("google_cloud_project")
    # Not the bare client of the service: this one knows where an emulator is.
    return pubsub_v1.PublisherClient()


@cache
def bigquery_client() -> Any:
    """BigQuery."""
    from google.cloud import bigquery

    settings().require("google_cloud_project")
    return bigquery.Client(project=settings().google_cloud_project, **_credentials("BIGQUERY"))


def _credentials(service: str) -> dict[str, Any]:
    # Where the library is pointed at an emulator there is nobody to authenticate to.
    if not os.environ.get(f"{service}_EMULATOR_HOST"):
        return {}
    from google.auth.credentials import AnonymousCredentials

    return {"credentials": AnonymousCredentials()}


@cache
def uploads() -> "Uploads":
    """What loads files of the uploads bucket."""
    from shared.loading.uploads import Uploads

    return Uploads(settings(), engine(), storage_client(), publisher())
