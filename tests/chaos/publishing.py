"""Messages published and pulled beside the platform's own, and every event delivered twice."""

import random
import threading
import time
from typing import Any

import grpc
from google.api_core.exceptions import AlreadyExists, GoogleAPICallError, RetryError
from google.cloud import pubsub_v1
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from tests.support.platform import Platform

TOPICS = ("row-batches", "uploads", "table-changed")
PATIENCE_SECONDS = 60.0
# Its subscriptions' names begin with it, and its messages bear it.
MARK = "chaos"
_LONGEST_DELAY_SECONDS = 2.0


class Publisher:
    """Publishes to the platform's topics, whatever becomes of Pub/Sub meanwhile."""

    def __init__(self, platform: Platform) -> None:
        told = platform.description["pubsub"]
        self._project = told["project"]
        self._channel = grpc.insecure_channel(
            told["endpoint"], options=[("grpc.max_reconnect_backoff_ms", 500)]
        )
        transport = PublisherGrpcTransport(channel=self._channel)
        self._client = pubsub_v1.PublisherClient(transport=transport)

    def publish(self, topic: str, data: bytes, **attributes: str) -> None:
        """Publish a message until it is taken, which may be more than once."""
        path = f"projects/{self._project}/topics/{topic}"
        limit = time.monotonic() + PATIENCE_SECONDS
        message = {"data": data, "attributes": attributes}
        while not self._is_taken(path, message):
            assert time.monotonic() < limit, f"{topic} took nothing"
            time.sleep(0.2)

    def _is_taken(self, path: str, message: Any) -> bool:
        try:
            self._client.api.publish(topic=path, messages=[message], timeout=5)
        except (GoogleAPICallError, RetryError):
            return False
        return True

    def rest(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.stop()
        self._channel.close()


class Doubler:
    """Takes a copy of every event, and publishes it again a little later, in another order.

    Attributes:
        doubled: how many it has published again.
        doubling: whether it does so; else the copies are thrown away.
    """

    def __init__(self, platform: Platform, publisher: Publisher) -> None:
        self.doubled = 0
        self.doubling = False
        told = platform.description["pubsub"]
        self._project, self._publisher = told["project"], publisher
        self._channel = grpc.insecure_channel(
            told["endpoint"], options=[("grpc.max_reconnect_backoff_ms", 500)]
        )
        transport = SubscriberGrpcTransport(channel=self._channel)
        self._client = pubsub_v1.SubscriberClient(transport=transport)
        self._held: list[tuple[float, str, Any]] = []
        self._over = threading.Event()
        self._chance = random.Random()
        for topic in TOPICS:
            self._subscribe(topic)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_idle(self) -> bool:
        """Whether it holds nothing that it would publish."""
        return not self._held

    def close(self) -> None:
        """Stop, and let go of the connection."""
        self._over.set()
        self._thread.join()
        self._client.close()
        self._channel.close()

    def _subscribe(self, topic: str) -> None:
        try:
            self._client.create_subscription(
                name=self._path(topic), topic=f"projects/{self._project}/topics/{topic}"
            )
        except AlreadyExists:
            return

    def _path(self, topic: str) -> str:
        return f"projects/{self._project}/subscriptions/{MARK}-{topic}"

    def _run(self) -> None:
        while not self._over.is_set():
            for topic in TOPICS:
                self._take(topic)
            self._give_back()
            self._over.wait(0.1)

    def _take(self, topic: str) -> None:
        path = self._path(topic)
        try:
            pulled = self._client.pull(
                subscription=path, max_messages=200, return_immediately=True, timeout=5, retry=None
            ).received_messages
            if pulled:
                self._client.acknowledge(
                    subscription=path, ack_ids=[p.ack_id for p in pulled], timeout=5, retry=None
                )
        except (GoogleAPICallError, RetryError):
            return
        for one in pulled:
            if self.doubling and MARK not in one.message.attributes:
                due = time.monotonic() + self._chance.uniform(0, _LONGEST_DELAY_SECONDS)
                self._held.append((due, topic, one.message))

    def _give_back(self) -> None:
        due = [held for held in self._held if held[0] < time.monotonic()]
        self._chance.shuffle(due)
        for held in due:
            _, topic, message = held
            attributes = {**message.attributes, MARK: "again"}
            self._publisher.publish(topic, message.data, **attributes)
            self._held.remove(held)
            self.doubled += 1
