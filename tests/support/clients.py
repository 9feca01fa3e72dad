"""Google's own clients, and PostgreSQL's, of what a test is given the address of."""

from typing import Any
from urllib.parse import unquote, urlsplit

import grpc
import pg8000.native
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, pubsub_v1, storage
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from infra.local.layout import PROJECT
from infra.local.pubsub.secret import METADATA_KEY


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


def of_pubsub(
    address: str, secret: str, **options: Any
) -> tuple[pubsub_v1.PublisherClient, pubsub_v1.SubscriberClient]:
    """Clients of the Pub/Sub at this address that may change topics; the caller closes them.

    Args:
        address: host and port.
        secret: the secret of its home.
        options: arguments of the publisher.
    """

    def channel() -> grpc.Channel:
        return grpc.intercept_channel(grpc.insecure_channel(address), _WithSecret(secret))

    return (
        pubsub_v1.PublisherClient(transport=PublisherGrpcTransport(channel=channel()), **options),
        pubsub_v1.SubscriberClient(transport=SubscriberGrpcTransport(channel=channel())),
    )


class _Details(grpc.ClientCallDetails):
    def __init__(self, given: grpc.ClientCallDetails, metadata: list[tuple[str, str]]) -> None:
        self.method, self.timeout, self.credentials = given.method, given.timeout, given.credentials
        self.wait_for_ready, self.compression = given.wait_for_ready, given.compression
        self.metadata = metadata


class _WithSecret(grpc.UnaryUnaryClientInterceptor):
    def __init__(self, secret: str) -> None:
        self._secret = secret

    def intercept_unary_unary(
        self, continuation: Any, client_call_details: Any, request: Any
    ) -> Any:
        sent = [*(client_call_details.metadata or ()), (METADATA_KEY, self._secret)]
        return continuation(_Details(client_call_details, sent), request)
