"""Publishes messages to the platform's topics, and delivers events a second time."""

import random
import threading
import time
from typing import Any

import grpc
from google.api_core.exceptions import AlreadyExists, GoogleAPICallError, RetryError
from google.cloud import pubsub_v1
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from infra.local.pubsub.secret import metadata
from tests.support.platform import Platform

TOPICS = ("row-batches", "uploads", "table-changed")
DEADLINE_SECONDS = 60.0
# Prefix of the duplicator's subscriptions, and an attribute of its messages.
MARK = "chaos"
_LONGEST_DELAY_SECONDS = 2.0


class Publisher:
    """Publishes to the platform's topics, even if Pub/Sub is killed meanwhile."""

    def __init__(self, platform: Platform) -> None:
        config = platform.description["pubsub"]
        self._project = config["project"]
        self._channel = grpc.insecure_channel(
            config["endpoint"], options=[("grpc.max_reconnect_backoff_ms", 500)]
        )
        transport = PublisherGrpcTransport(channel=self._channel)
        self._client = pubsub_v1.PublisherClient(transport=transport)

    def publish(self, topic: str, data: bytes, **attributes: str) -> None:
        """Publish a message, and retry until it is accepted; it may be published more than once."""
        path = f"projects/{self._project}/topics/{topic}"
        deadline = time.monotonic() + DEADLINE_SECONDS
        message = {"data": data, "attributes": attributes}
        while not self._is_accepted(path, message):
            assert time.monotonic() < deadline, f"{topic} accepted nothing"
            time.sleep(0.2)

    def _is_accepted(self, path: str, message: Any) -> bool:
        try:
            self._client.api.publish(topic=path, messages=[message], timeout=5)
        except (GoogleAPICallError, RetryError):
            return False
        return True

    def close(self) -> None:
        """Close the connection."""
        self._client.stop()
        self._channel.close()


class Duplicator:
    """Pulls a copy of every event, and publishes it again a little later, in another order.

    Attributes:
        duplicated: how many events it has published again.
        is_active: whether it publishes the copies; if not, it drops them.
    """

    def __init__(self, platform: Platform, publisher: Publisher) -> None:
        self.duplicated = 0
        self.is_active = False
        config = platform.description["pubsub"]
        self._project, self._secret = config["project"], config["secret"]
        self._publisher = publisher
        self._channel = grpc.insecure_channel(
            config["endpoint"], options=[("grpc.max_reconnect_backoff_ms", 500)]
        )
        transport = SubscriberGrpcTransport(channel=self._channel)
        self._client = pubsub_v1.SubscriberClient(transport=transport)
        self._held: list[tuple[float, str, Any]] = []
        self._stop = threading.Event()
        self._rng = random.Random()
        for topic in TOPICS:
            self._subscribe(topic)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_idle(self) -> bool:
        """Whether it has no copies left to publish."""
        return not self._held

    def close(self) -> None:
        """Stop, and close the connection."""
        self._stop.set()
        self._thread.join()
        self._client.close()
        self._channel.close()

    def _subscribe(self, topic: str) -> None:
        try:
            self._client.create_subscription(
                name=self._path(topic),
                topic=f"projects/{self._project}/topics/{topic}",
                metadata=metadata(self._secret),
            )
        except AlreadyExists:
            return

    def _path(self, topic: str) -> str:
        return f"projects/{self._project}/subscriptions/{MARK}-{topic}"

    def _run(self) -> None:
        while not self._stop.is_set():
            for topic in TOPICS:
                self._pull(topic)
            self._republish()
            self._stop.wait(0.1)

    def _pull(self, topic: str) -> None:
        path = self._path(topic)
        try:
            pulled = self._client.pull(
                subscription=path, max_messages=200, return_immediately=True, timeout=5, retry=None
            ).received_messages
            if pulled:
                self._client.acknowledge(
                    subscription=path, ack_ids=[p.ack_id for p in pulled], timeout=5, retry=None
                )
        # Between two tests, when warnings are errors for a moment, the library's advice is one.
        except (GoogleAPICallError, RetryError, DeprecationWarning):
            return
        for one in pulled:
            if self.is_active and MARK not in one.message.attributes:
                due = time.monotonic() + self._rng.uniform(0, _LONGEST_DELAY_SECONDS)
                self._held.append((due, topic, one.message))

    def _republish(self) -> None:
        due = [held for held in self._held if held[0] < time.monotonic()]
        self._rng.shuffle(due)
        for held in due:
            _, topic, message = held
            attributes = {**message.attributes, MARK: "again"}
            self._publisher.publish(topic, message.data, **attributes)
            self._held.remove(held)
            self.duplicated += 1
