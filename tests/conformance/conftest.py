"""One suite for two servers: ours, and Google's emulator if gcloud has it."""

from collections.abc import Iterator

import pytest

from tests.conformance import servers
from tests.conformance.endpoint import Endpoint
from tests.conformance.projects import Project, new_project

SERVERS = ["ours", *(["google"] if servers.google_emulator() else [])]


@pytest.fixture(scope="session", params=SERVERS)
def any_server(request, tmp_path_factory) -> Iterator[servers.Clients]:
    """Clients of each available server, in turn."""
    if request.param == "google":
        with servers.running_google(servers.google_emulator()) as address:
            clients = servers.connect(address)
            yield clients
            clients.close()
    else:
        with servers.running(tmp_path_factory.mktemp("pubsub") / "pubsub.db") as server:
            clients = servers.connect(server.address)
            yield clients
            clients.close()


@pytest.fixture
def project(any_server) -> Project:
    """A new project on each available server."""
    return new_project(any_server)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A push endpoint that accepts everything by default."""
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()
