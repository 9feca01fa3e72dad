"""The broker: messages on their way from topics to subscribers."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable

from infra.local.pubsub import deadletters
from infra.local.pubsub.backlog import Delivery, Message
from infra.local.pubsub.bodies import Bodies
from infra.local.pubsub.catalog import Catalog
from infra.local.pubsub.datafile import Saved
from infra.local.pubsub.journal import JournalFault
from infra.local.pubsub.logs import log
from infra.local.pubsub.pusher import Courier
from infra.local.pubsub.records import Records, settlement
from infra.local.pubsub.subscription import LiveSubscription
from infra.local.pubsub.wire import Pb

EXPIRY_SECONDS = 60


class Broker:
    """All state, changed on one event loop only; what was promised is in `Records` first."""

    def __init__(self, records: Records, bodies: Bodies, courier: Courier) -> None:
        self.stopping = False
        self.bodies = bodies
        self.catalog = Catalog(records, courier, self)
        self._records = records
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)

    def restore(self, saved: Saved) -> None:
        """Take up what an earlier run left behind, leases given back."""
        # Numbers of messages that nobody was owed are not in the file: the clock goes past them.
        self._numbers = itertools.count(max(saved.highest_message + 1, time.time_ns() // 1000))
        subscriptions = self.catalog.restore(
            saved.topics, saved.subscriptions, saved.highest_subscription
        )
        messages = {
            m.number: Message(m.number, m.published_ms, m.size_bytes) for m in saved.messages
        }
        now_ms = time.time() * 1000
        for row in saved.deliveries:
            subscription = subscriptions[row.subscription]
            # A clock that was set back must not put a message off for longer than its backoff.
            longest = subscription.terms.wait_after(max(row.failures, 1))
            wait_seconds = min((row.not_before_ms - now_ms) / 1000, longest)
            delivery = Delivery(messages[row.message], row.failures)
            subscription.backlog.add([delivery], wait_seconds)
        _stir(subscriptions.values())
        self._expire()

    def stop(self) -> None:
        """Let everybody who waits for messages know that none will come."""
        self.stopping = True
        for subscription in self.catalog.subscriptions.values():
            subscription.close()

    def _expire(self) -> None:
        for subscription in self.catalog.subscriptions.values():
            expired = subscription.backlog.expired()
            if expired:
                self.note_settled(subscription, expired)
                log("WARNING", "messages expired", subscription=subscription.name, n=len(expired))
        asyncio.get_running_loop().call_later(EXPIRY_SECONDS, self._expire)

    async def publish(
        self, topic: Pb, messages: list[Pb], when: Callable[[Callable[[], None]], None]
    ) -> list[str]:
        """Keep messages for the topic's subscriptions and set them on their way.

        Args:
            topic: where they are published.
            messages: as they came.
            when: calls what it is given when they may be on their way.

        Raises:
            JournalFault: nothing was kept and nothing is delivered.
        """
        numbered = [self._stamp(message) for message in messages]
        subscriptions = self.catalog.subscriptions_of(topic.name)
        if subscriptions:
            rows = [
                (number, at_ms, message.SerializeToString()) for number, at_ms, message in numbered
            ]
            await self._records.publish(rows, [s.number for s in subscriptions])
            self._owe(rows, subscriptions)
            when(lambda: _stir(subscriptions))
        return [str(number) for number, _, _ in numbered]

    def _stamp(self, message: Pb) -> tuple[int, int, Pb]:
        number, at_ns = next(self._numbers), time.time_ns()
        message.message_id = str(number)
        message.publish_time.FromMilliseconds(at_ns // 1_000_000)
        return number, at_ns // 1_000_000, message

    def _owe(
        self, rows: list[tuple[int, int, bytes]], subscriptions: list[LiveSubscription]
    ) -> None:
        messages = [Message(number, at_ms, len(body)) for number, at_ms, body in rows]
        for number, _, body in rows:
            self.bodies.keep(number, body)
        for subscription in subscriptions:
            if not subscription.deleted and not subscription.config.detached:
                subscription.backlog.add(Delivery(message) for message in messages)
        unheld = self._drop_unheld(messages)
        if unheld:
            self._records.note_settled(0, [], unheld)

    def _drop_unheld(self, messages: list[Message]) -> list[int]:
        unheld = [message.number for message in messages if not message.holders]
        for number in unheld:
            self.bodies.forget(number)
        return unheld

    async def settle(self, subscription: LiveSubscription, numbers: list[int]) -> None:
        """End deliveries as acknowledged; return when that will survive this process."""
        settled = subscription.backlog.settle(numbers)
        if settled:
            done = [message.number for message in settled]
            unheld = self._drop_unheld(settled)
            await self._records.settle(subscription.number, done, unheld)

    def note_settled(self, subscription: LiveSubscription, numbers: list[int]) -> None:
        """As `settle`, without waiting."""
        settled = subscription.backlog.settle(numbers)
        if settled:
            done = [message.number for message in settled]
            unheld = self._drop_unheld(settled)
            self._records.note_settled(subscription.number, done, unheld)

    def failed(
        self, subscription: LiveSubscription, delivery: Delivery, wait_seconds: float
    ) -> None:
        """Keep that a delivery failed, and when it is tried again."""
        not_before_ms = int((time.time() + wait_seconds) * 1000)
        number, failures = delivery.message.number, delivery.failures
        self._records.note_failure(subscription.number, number, failures, not_before_ms)

    def died(self, subscription: LiveSubscription, delivery: Delivery) -> None:
        """Move a message that used up its attempts to the dead-letter topic."""
        task = asyncio.get_running_loop().create_task(self._bury(subscription, delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _bury(self, subscription: LiveSubscription, delivery: Delivery) -> None:
        """Move a message to the dead-letter topic, in one transaction."""
        policy = subscription.terms.dead_letter
        topic = self.catalog.topics.get(policy.topic) if policy else None
        body = await self.bodies.of(delivery.message.number)
        if topic is None or body is None or delivery.settled:
            log("WARNING", "dead-letter topic is missing", subscription=subscription.name)
            subscription.backlog.retry(delivery)
            return
        try:
            await self._forward(subscription, delivery, topic, body)
        except JournalFault:
            subscription.backlog.retry(delivery)

    async def _forward(
        self, subscription: LiveSubscription, delivery: Delivery, topic: Pb, body: bytes
    ) -> None:
        letter = deadletters.letter(body, subscription.name, delivery.failures)
        number, at_ms, letter = self._stamp(letter)
        rows = [(number, at_ms, letter.SerializeToString())]
        heirs = self.catalog.subscriptions_of(topic.name)
        original = delivery.message.number
        unheld = [original] if delivery.message.holders <= 1 else []
        ending = settlement(subscription.number, [original], unheld)
        await self._records.publish(rows if heirs else [], [s.number for s in heirs], *ending)
        self._owe(rows, heirs)
        _stir(heirs)
        self.note_settled(subscription, [original])
        log(
            "WARNING" if heirs else "ERROR",
            "message dead-lettered" if heirs else "message lost: dead-letter topic unsubscribed",
            subscription=subscription.name,
            topic=topic.name,
            message_id=str(original),
            attempts=delivery.failures,
        )


def _stir(subscriptions: Iterable[LiveSubscription]) -> None:
    for subscription in subscriptions:
        subscription.backlog.stir()
