"""The broker: moves messages from topics to subscriptions, and exhausted ones to dead letters."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from infra.local.pubsub import resources
from infra.local.pubsub.backlog import Delivery, Message
from infra.local.pubsub.catalog import Catalog, LiveSubscription
from infra.local.pubsub.database import MessageBodies, StoredState
from infra.local.pubsub.errors import WriteError
from infra.local.pubsub.logs import log
from infra.local.pubsub.push import PushClient
from infra.local.pubsub.store import Store, settlement
from infra.local.pubsub.wire import Pb, PubsubMessage

EXPIRY_SECONDS = 60


class Broker:
    """All state in memory, changed on one event loop only.

    What a caller was promised is written to the `Store` before it is answered.
    """

    def __init__(self, store: Store, bodies: MessageBodies, push_client: PushClient) -> None:
        self.stopping = False
        self.bodies = bodies
        self.catalog = Catalog(store, push_client, self)
        self._store = store
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)

    def restore(self, stored: StoredState) -> None:
        """Load what earlier runs stored; messages that were leased then are ready again."""
        # Messages without a subscription are not stored, so their numbers are not known here:
        # starting at the clock's microseconds is above all of them.
        first = max(stored.highest_message + 1, time.time_ns() // 1000)
        self._numbers = itertools.count(first)
        subscriptions = self.catalog.restore(
            stored.topics, stored.subscriptions, stored.highest_subscription
        )
        messages = {
            m.number: Message(m.number, m.published_ms, m.size_bytes) for m in stored.messages
        }
        now_ms = time.time() * 1000
        for row in stored.deliveries:
            subscription = subscriptions[row.subscription]
            # If the clock was set back, a message must still not wait longer than its backoff.
            longest = subscription.policy.backoff_seconds(max(row.failures, 1))
            wait_seconds = min((row.not_before_ms - now_ms) / 1000, longest)
            delivery = Delivery(messages[row.message], row.failures)
            subscription.backlog.add([delivery], wait_seconds)
        _notify(subscriptions.values())
        self._expire()

    def stop(self) -> None:
        """Stop delivering and end all waiting pulls."""
        self.stopping = True
        for subscription in self.catalog.subscriptions.values():
            subscription.close()

    def _expire(self) -> None:
        for subscription in self.catalog.subscriptions.values():
            expired = subscription.backlog.expired()
            if expired:
                self.settle_later(subscription, expired)
                log("WARNING", "messages expired", subscription=subscription.name, n=len(expired))
        asyncio.get_running_loop().call_later(EXPIRY_SECONDS, self._expire)

    async def publish(
        self, topic: Pb, messages: list[Pb], when: Callable[[Callable[[], None]], None]
    ) -> list[str]:
        """Store messages for the topic's subscriptions and start their delivery.

        Args:
            topic: the topic's configuration.
            messages: as the client sent them.
            when: gets the function that starts the delivery, and calls it when it is time.

        Returns:
            The messages' ids.

        Raises:
            WriteError: nothing was stored and nothing will be delivered.
        """
        numbered = [self._stamp(message) for message in messages]
        subscriptions = self.catalog.subscriptions_of(topic.name)
        if subscriptions:
            rows = [
                (number, at_ms, message.SerializeToString()) for number, at_ms, message in numbered
            ]
            await self._store.publish(rows, [s.number for s in subscriptions])
            self._enqueue(rows, subscriptions)
            when(lambda: _notify(subscriptions))
        return [str(number) for number, _, _ in numbered]

    def _stamp(self, message: Pb) -> tuple[int, int, Pb]:
        """Set a message's id and publish time; return number, time in milliseconds, message."""
        number, at_ns = next(self._numbers), time.time_ns()
        message.message_id = str(number)
        message.publish_time.FromMilliseconds(at_ns // 1_000_000)
        return number, at_ns // 1_000_000, message

    def _enqueue(
        self, rows: list[tuple[int, int, bytes]], subscriptions: list[LiveSubscription]
    ) -> None:
        messages = [Message(number, at_ms, len(body)) for number, at_ms, body in rows]
        for number, _, body in rows:
            self.bodies.cache(number, body)
        for subscription in subscriptions:
            if not subscription.deleted and not subscription.config.detached:
                subscription.backlog.add(Delivery(message) for message in messages)
        unreferenced = self._drop_unreferenced(messages)
        if unreferenced:
            self._store.settle_later(0, [], unreferenced)

    def _drop_unreferenced(self, messages: list[Message]) -> list[int]:
        """Drop the bodies of messages that no delivery needs; return the messages' numbers."""
        unreferenced = [message.number for message in messages if not message.references]
        for number in unreferenced:
            self.bodies.drop(number)
        return unreferenced

    async def settle(self, subscription: LiveSubscription, numbers: list[int]) -> None:
        """End deliveries and write that down.

        Raises:
            WriteError: it was not written; the messages may be delivered again after a restart.
        """
        settled = subscription.backlog.settle(numbers)
        if settled:
            done = [message.number for message in settled]
            unreferenced = self._drop_unreferenced(settled)
            await self._store.settle(subscription.number, done, unreferenced)

    def settle_later(self, subscription: LiveSubscription, numbers: list[int]) -> None:
        """End deliveries and write that down soon, without waiting for it."""
        settled = subscription.backlog.settle(numbers)
        if settled:
            done = [message.number for message in settled]
            unreferenced = self._drop_unreferenced(settled)
            self._store.settle_later(subscription.number, done, unreferenced)

    def delivery_failed(
        self, subscription: LiveSubscription, delivery: Delivery, wait_seconds: float
    ) -> None:
        """Store that a delivery failed and when it may be retried."""
        not_before_ms = int((time.time() + wait_seconds) * 1000)
        number, failures = delivery.message.number, delivery.failures
        self._store.record_failure_later(subscription.number, number, failures, not_before_ms)

    def delivery_exhausted(self, subscription: LiveSubscription, delivery: Delivery) -> None:
        """Move a message that has used up its attempts to the dead-letter topic."""
        task = asyncio.get_running_loop().create_task(self._dead_letter(subscription, delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _dead_letter(self, subscription: LiveSubscription, delivery: Delivery) -> None:
        policy = subscription.policy.dead_letter
        topic = self.catalog.topics.get(policy.topic) if policy else None
        body = await self.bodies.read(delivery.message.number)
        if topic is None or body is None or delivery.settled:
            log("WARNING", "dead-letter topic is missing", subscription=subscription.name)
            subscription.backlog.retry(delivery)
            return
        try:
            await self._forward(subscription, delivery, topic, body)
        except WriteError:
            subscription.backlog.retry(delivery)

    async def _forward(
        self, subscription: LiveSubscription, delivery: Delivery, topic: Pb, body: bytes
    ) -> None:
        """Publish a message to the dead-letter topic and settle it, in one transaction."""
        letter = dead_letter(body, subscription.name, delivery.failures)
        number, at_ms, letter = self._stamp(letter)
        rows = [(number, at_ms, letter.SerializeToString())]
        targets = self.catalog.subscriptions_of(topic.name)
        original = delivery.message.number
        unreferenced = [original] if delivery.message.references <= 1 else []
        settled = settlement(subscription.number, [original], unreferenced)
        await self._store.publish(rows if targets else [], [s.number for s in targets], *settled)
        self._enqueue(rows, targets)
        _notify(targets)
        self.settle_later(subscription, [original])
        log(
            "WARNING" if targets else "ERROR",
            "message dead-lettered" if targets else "message lost: dead-letter topic unsubscribed",
            subscription=subscription.name,
            topic=topic.name,
            message_id=str(original),
            attempts=delivery.failures,
        )


def dead_letter(body: bytes, subscription: str, attempts: int) -> Pb:
    """The message to publish to a dead-letter topic, with Google's attributes about its source."""
    message = PubsubMessage.FromString(body)
    published = datetime.fromtimestamp(message.publish_time.ToMilliseconds() / 1000, UTC)
    source = {
        "CloudPubSubDeadLetterSourceDeliveryCount": str(attempts),
        "CloudPubSubDeadLetterSourceSubscription": subscription.split("/")[3],
        "CloudPubSubDeadLetterSourceSubscriptionProject": resources.project_of(subscription),
        "CloudPubSubDeadLetterSourceTopicPublishTime": published.isoformat(timespec="milliseconds"),
    }
    message.attributes.update(source)
    return message


def _notify(subscriptions: Iterable[LiveSubscription]) -> None:
    for subscription in subscriptions:
        subscription.backlog.notify()
