"""Google's own clients, and PostgreSQL's, of what a test is given the address of."""

from urllib.parse import unquote, urlsplit

import pg8000.native
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, storage

from infra.local.layout import PROJECT


def connection(database_url: str) -> pg8000.native.Connection:
    """A connection to a database; the caller closes it."""
    url = urlsplit(database_url)
    return pg8000.native.Connection(
        unquote(url.username or ""),
        host=url.hostname or "",
        port=url.port or 0,
        password=unquote(url.password or ""),
        database=url.path.lstrip("/"),
    )


def of_storage(endpoint: str) -> storage.Client:
    """A client of the Cloud Storage at this address; the caller closes it."""
    return storage.Client(
        project=PROJECT,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=endpoint),
    )


def of_bigquery(endpoint: str) -> bigquery.Client:
    """A client of the BigQuery at this address; the caller closes it."""
    return bigquery.Client(
        project=PROJECT,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=endpoint),
    )
