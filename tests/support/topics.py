"""Pub/Sub alone, and topics of each test's own."""

import contextlib
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from google.api_core.exceptions import AlreadyExists

from infra import functions
from infra.local.layout import PROJECT, Layout
from tests.support import clients
from tests.support.stand_ins import StandIns


@dataclass(frozen=True)
class PubSub:
    """Google's clients of one Pub/Sub.

    Attributes:
        publisher: makes topics and publishes.
        subscriber: makes subscriptions and pulls.
    """

    publisher: Any
    subscriber: Any

    def pull(self, subscription: str) -> list[Any]:
        """The messages that nobody has taken yet; they are acknowledged."""
        with warnings.catch_warnings():
            # Deprecated because pulls in a loop cost money; here one that waits costs time.
            warnings.simplefilter("ignore", DeprecationWarning)
            found = self.subscriber.pull(
                subscription=subscription, max_messages=100, return_immediately=True
            ).received_messages
        if found:
            ids = [received.ack_id for received in found]
            self.subscriber.acknowledge(subscription=subscription, ack_ids=ids)
        return [received.message for received in found]


@pytest.fixture(scope="session")
def pubsub_endpoint(stand_ins: StandIns) -> str:
    """Address of a running Pub/Sub."""
    return stand_ins.pubsub_endpoint()


@pytest.fixture(scope="session")
def pubsub(pubsub_endpoint: str, stand_ins: StandIns) -> Iterator[PubSub]:
    """Google's clients of that Pub/Sub."""
    secret = stand_ins.home.secret(stand_ins.home.pubsub_secret)
    made = PubSub(*clients.of_pubsub(pubsub_endpoint, secret))
    yield made
    made.publisher.stop()
    made.publisher.transport.close()
    made.subscriber.close()


@pytest.fixture(scope="session")
def quiet_project(pubsub: PubSub) -> str:
    """A project with the platform's topics, none of which has a subscription."""
    for topic in Layout({}, functions.read(), "").topics():
        # With stand-ins that are kept, an earlier run made them.
        with contextlib.suppress(AlreadyExists):
            pubsub.publisher.create_topic(name=f"projects/{PROJECT}/topics/{topic}")
    return PROJECT


@pytest.fixture
def publisher(pubsub: PubSub) -> Any:
    """Pub/Sub's publisher."""
    return pubsub.publisher


@pytest.fixture
def topics(
    pubsub: PubSub, pubsub_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], list[Any]]:
    """Topics in a project of their own, which the environment names; gives what pulls messages."""
    project = f"test-{uuid.uuid4().hex}"
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub_endpoint)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", project)
    for name in ("row-batches", "table-changed"):
        topic = pubsub.publisher.create_topic(name=f"projects/{project}/topics/{name}")
        subscription = f"projects/{project}/subscriptions/{name}"
        pubsub.subscriber.create_subscription(name=subscription, topic=topic.name)
    return lambda name: pubsub.pull(f"projects/{project}/subscriptions/{name}")
