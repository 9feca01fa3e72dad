"""Only callers with the secret change topics and subscriptions."""

import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1

from infra.local.pubsub import publisher, secret, subscriber
from tests.conformance import servers
from tests.conformance.projects import Project


@pytest.fixture(params=["", "a guess", f"{servers.SECRET}s"])
def stranger(request, server):
    """Clients that do not know the secret."""
    clients = servers.connect(server.address, request.param)
    yield clients
    clients.close()


def test_a_stranger_changes_nothing(stranger, project, endpoint):
    topic = project.topic()
    name = project.subscription(topic)
    push = {"push_endpoint": endpoint.url}
    mask = {"paths": ["push_config"]}
    publishes, subscribes = stranger.publisher, stranger.subscriber
    changes = (
        lambda: publishes.create_topic(name=f"{topic}-2", retry=None),
        lambda: publishes.delete_topic(topic=topic, retry=None),
        lambda: publishes.detach_subscription(request={"subscription": name}, retry=None),
        lambda: publishes.update_topic(
            request={"topic": {"name": topic}, "update_mask": {"paths": ["labels"]}}, retry=None
        ),
        lambda: Project(project.name, stranger).subscription(topic, "mine", push_config=push),
        lambda: subscribes.delete_subscription(subscription=name, retry=None),
        lambda: subscribes.modify_push_config(subscription=name, push_config=push, retry=None),
        lambda: subscribes.seek(request={"subscription": name, "time": {"seconds": 1}}, retry=None),
        lambda: subscribes.update_subscription(
            request={"subscription": {"name": name, "push_config": push}, "update_mask": mask},
            retry=None,
        ),
    )

    for change in changes:
        with pytest.raises(exceptions.PermissionDenied, match="x-tablegate-secret"):
            change()

    config = project.subscriber.get_subscription(subscription=name)
    assert (config.push_config.push_endpoint, config.detached) == ("", False)
    listed = project.publisher.list_topics(project=project.name)
    assert [found.name for found in listed] == [topic]


def test_googles_clients_without_the_secret_publish_and_pull(server, project, monkeypatch):
    topic = project.topic()
    subscription = project.subscription(topic)
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.address)
    plain = servers.Clients(
        server.address, pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
    )

    Project(project.name, plain).publish(topic, b"open")
    (received,) = Project(project.name, plain).pull(subscription)
    Project(project.name, plain).acknowledge(subscription, received)

    assert received.message.data == b"open"
    plain.close()


def test_every_open_method_exists():
    served = {
        method
        for service in (publisher.Publisher, subscriber.Subscriber)
        for method in vars(service)
        if not method.startswith("_")
    }

    assert {name.lower() for name in secret.OPEN_METHODS} <= {
        name.replace("_", "") for name in served
    }
