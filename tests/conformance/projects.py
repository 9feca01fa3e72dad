"""A project for one test on a Pub/Sub server."""

import time
import uuid
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime

from google.cloud import pubsub_v1

from tests.conformance import servers


@dataclass
class Project:
    """A project for one test, with shortcuts for what every test does."""

    name: str
    clients: servers.Clients

    @property
    def publisher(self) -> pubsub_v1.PublisherClient:
        return self.clients.publisher

    @property
    def subscriber(self) -> pubsub_v1.SubscriberClient:
        return self.clients.subscriber

    def topic(self, name: str = "topic") -> str:
        full = f"{self.name}/topics/{name}"
        self.publisher.create_topic(name=full)
        return full

    def subscription(self, topic: str, name: str = "subscription", **fields: object) -> str:
        full = f"{self.name}/subscriptions/{name}"
        request = {"name": full, "topic": topic, **fields}
        self.subscriber.create_subscription(request=request, retry=None)
        return full

    def publish(self, topic: str, *data: bytes, **attributes: str) -> list[str]:
        futures = [self.publisher.publish(topic, one, **attributes) for one in data]
        return [future.result(10) for future in futures]

    def pull(self, subscription: str, count: int = 1) -> list:
        """Pull until `count` messages have arrived, for at most ten seconds."""
        received: list = []
        deadline = time.monotonic() + 10
        while len(received) < count and time.monotonic() < deadline:
            request = {"subscription": subscription, "max_messages": count - len(received)}
            received += self.subscriber.pull(request=request, timeout=10).received_messages
        return received

    def nothing_to_pull(self, subscription: str) -> bool:
        """Whether no message is ready at this moment."""
        request = {"subscription": subscription, "max_messages": 1, "return_immediately": True}
        with warnings.catch_warnings():
            # Deprecated for users, who should wait; a test needs the state at this moment.
            warnings.simplefilter("ignore", DeprecationWarning)
            return not self.subscriber.pull(request=request, timeout=10).received_messages

    def acknowledge(self, subscription: str, *received: object) -> None:
        ack_ids = [message.ack_id for message in received]
        self.subscriber.acknowledge(subscription=subscription, ack_ids=ack_ids)

    def change_deadline(self, subscription: str, seconds: int, *received: object) -> None:
        self.subscriber.modify_ack_deadline(
            subscription=subscription,
            ack_ids=[message.ack_id for message in received],
            ack_deadline_seconds=seconds,
        )


def new_project(clients: servers.Clients) -> Project:
    return Project(f"projects/test-{uuid.uuid4().hex[:12]}", clients)


def utc(seconds: float) -> datetime:
    """A moment, from seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
