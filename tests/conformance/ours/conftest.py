"""A server of ours that signs its pushes."""

import threading

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.conformance import servers
from tests.conformance.endpoint import Endpoint
from tests.conformance.ours.push_config import pushing
from tests.conformance.projects import new_project


@pytest.fixture(scope="module")
def signing_key(tmp_path_factory):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = tmp_path_factory.mktemp("key") / "signing.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path, key


@pytest.fixture(scope="module")
def server(tmp_path_factory, signing_key):
    flags = ("--signing-key", str(signing_key[0]), "--key-id", "key-1", "--push-concurrency", "3")
    with servers.running(tmp_path_factory.mktemp("pubsub") / "pubsub.db", *flags) as server:
        yield server


@pytest.fixture(scope="module")
def clients(server):
    clients = servers.connect(server.address)
    yield clients
    clients.close()


@pytest.fixture
def project(clients):
    return new_project(clients)


@pytest.fixture
def signed_project(endpoint, signing_key, tmp_path):
    """A project on a server that signs pushes to the endpoint."""
    flags = ("--signing-key", str(signing_key[0]), "--key-id", "key-1", "--sign-for", endpoint.url)
    with servers.running(tmp_path / "pubsub.db", *flags) as server:
        clients = servers.connect(server.address)
        yield new_project(clients)
        clients.close()


@pytest.fixture(scope="module", autouse=True)
def slow_endpoint(clients):
    """An endpoint whose first push hangs, while the other tests run, until it comes again."""
    endpoint, project = Endpoint(), new_project(clients)
    again = threading.Event()

    def hang_once(n, pushed):
        if n == 1:
            again.wait(60)
        again.set()
        return 204

    endpoint.answer = hang_once
    topic = project.topic()
    project.subscription(topic, **pushing(endpoint), ack_deadline_seconds=10)
    project.publish(topic, b"slow")
    yield endpoint
    endpoint.close()
