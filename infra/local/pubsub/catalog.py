"""The topics and subscriptions that exist, and every change to them."""

import asyncio
import itertools
from typing import Protocol

from infra.local.pubsub import resources
from infra.local.pubsub.backlog import Backlog, Delivery
from infra.local.pubsub.delivery_policy import delivery_policy
from infra.local.pubsub.errors import (
    RequestError,
    already_exists,
    failed_precondition,
    invalid,
    not_found,
)
from infra.local.pubsub.logs import log
from infra.local.pubsub.push import PushClient, Pusher
from infra.local.pubsub.store import Store
from infra.local.pubsub.wire import Pb, Subscription, Topic


class DeliveryListener(Protocol):
    """What is called with the outcome of deliveries."""

    def delivery_failed(
        self, subscription: "LiveSubscription", delivery: Delivery, wait_seconds: float
    ) -> None:
        """A delivery failed and will be retried after so many seconds."""

    def delivery_exhausted(self, subscription: "LiveSubscription", delivery: Delivery) -> None:
        """A delivery has failed for the last time."""

    def settle_later(self, subscription: "LiveSubscription", numbers: list[int]) -> None:
        """Deliveries were acknowledged or dropped."""


class LiveSubscription:
    """A subscription in memory: its configuration, its backlog and, if it pushes, its pusher."""

    def __init__(
        self,
        number: int,
        config: Pb,
        push_client: PushClient,
        listener: DeliveryListener,
    ) -> None:
        self.number = number
        self.config = config
        self.policy = delivery_policy(config)
        self.deleted = False
        self.backlog = Backlog(
            self.policy,
            lambda delivery, wait_seconds: listener.delivery_failed(self, delivery, wait_seconds),
            lambda delivery: listener.delivery_exhausted(self, delivery),
        )
        self._push_client = push_client
        self._listener = listener
        self._pusher: Pusher | None = None
        self._start_pusher()

    @property
    def name(self) -> str:
        """The full name."""
        return str(self.config.name)

    def configure(self, config: Pb) -> None:
        """Use another configuration from now on; current leases keep their deadlines."""
        self.config = config
        self.policy = self.backlog.policy = delivery_policy(config)
        self._start_pusher()
        self.backlog.notify()

    def _start_pusher(self) -> None:
        self._stop_pusher()
        if self.policy.push is not None and not self.config.detached:
            self._pusher = Pusher(
                self.name, self.policy, self.backlog, self._push_client, self._accepted
            )
            self.backlog.add_listener(self._pusher.pump)
            self._pusher.pump()

    def _stop_pusher(self) -> None:
        if self._pusher is not None:
            self._pusher.stopped = True
            self.backlog.remove_listener(self._pusher.pump)
            self._pusher = None

    def _accepted(self, numbers: list[int]) -> None:
        self._listener.settle_later(self, numbers)

    def close(self, deleted: bool = False) -> None:
        """Stop delivering, because the subscription was deleted or the server stops."""
        self.deleted = deleted
        self._stop_pusher()
        self.backlog.notify()

    def check_pullable(self) -> None:
        """Check that messages may be pulled.

        Raises:
            RequestError: NOT_FOUND if deleted, FAILED_PRECONDITION if detached or pushed.
        """
        if self.deleted:
            raise not_found("Subscription", self.name)
        if self.config.detached:
            raise failed_precondition(f"{self.name} is detached from its topic")
        if self.policy.push is not None:
            raise failed_precondition(
                f"This method is not supported for this subscription type: {self.name} "
                f"pushes to {self.policy.push.endpoint}"
            )

    def ack_id(self, message_number: int, lease_number: int) -> str:
        """The id by which a subscriber names a lease."""
        return f"{self.number}.{message_number}.{lease_number}"

    def read_ack_id(self, ack_id: str) -> tuple[int, int]:
        """The message and lease number of an ack id.

        Raises:
            RequestError: INVALID_ARGUMENT if the id is not one of this subscription.
        """
        parts = ack_id.split(".")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
            raise self._unknown(ack_id)
        subscription, message, lease = map(int, parts)
        if subscription != self.number:
            raise self._unknown(ack_id)
        return message, lease

    def _unknown(self, ack_id: str) -> RequestError:
        return invalid(f"Invalid ack id (ack_id={ack_id[:80]}): {self.name} never gave it")

    def detach(self) -> None:
        """Detach the subscription from its topic: it receives nothing and cannot be pulled."""
        config = _copy(self.config)
        config.detached = True
        self.configure(config)


class Catalog:
    """Topics and subscriptions by name; a change is stored before it shows here."""

    def __init__(self, store: Store, push_client: PushClient, listener: DeliveryListener) -> None:
        self.topics: dict[str, Pb] = {}
        self.subscriptions: dict[str, LiveSubscription] = {}
        self._store = store
        self._push_client = push_client
        self._listener = listener
        self._by_topic: dict[str, set[LiveSubscription]] = {}
        self._changing = asyncio.Lock()
        self._numbers = itertools.count(1)

    def restore(
        self, topics: list[bytes], subscriptions: list[tuple[int, bytes]], highest_number: int
    ) -> dict[int, LiveSubscription]:
        """Load what earlier runs stored; return the subscriptions by number."""
        self._numbers = itertools.count(highest_number + 1)
        for config in map(Topic.FromString, topics):
            self.topics[config.name] = config
        return {
            number: self._add(number, Subscription.FromString(config))
            for number, config in subscriptions
        }

    def topic(self, name: str) -> Pb:
        """The topic of that name.

        Raises:
            RequestError: INVALID_ARGUMENT or NOT_FOUND.
        """
        config = self.topics.get(name)
        if config is None:
            raise not_found("Topic", resources.check_name("topics", name))
        return config

    async def create_topic(self, config: Pb) -> Pb:
        """Create a topic."""
        resources.check_topic(config)
        async with self._changing:
            if config.name in self.topics:
                raise already_exists("Topic", config.name)
            config.state = Topic.State.ACTIVE
            await self._store.save_topic(config)
            self.topics[config.name] = config
        log("INFO", "topic created", topic=config.name)
        return config

    async def update_topic(self, request: Pb) -> Pb:
        """Change the fields of a topic that the mask names."""
        async with self._changing:
            config = resources.updated(
                self.topic(request.topic.name),
                request.topic,
                request.update_mask,
                resources.MUTABLE_TOPIC_FIELDS,
                "Topic",
            )
            resources.check_topic(config)
            await self._store.save_topic(config)
            self.topics[config.name] = config
        return config

    async def delete_topic(self, name: str) -> None:
        """Delete a topic; its subscriptions stay and deliver what was published before."""
        async with self._changing:
            self.topic(name)
            orphans = []
            for subscription in self.subscriptions_of(name):
                config = _copy(subscription.config)
                config.topic = resources.DELETED_TOPIC
                orphans.append((subscription, config))
            await self._store.delete_topic(name, [(s.number, c) for s, c in orphans])
            del self.topics[name]
            self._by_topic.pop(name, None)
            for subscription, config in orphans:
                subscription.configure(config)
        log("INFO", "topic deleted", topic=name)

    def subscriptions_of(self, topic: str) -> list[LiveSubscription]:
        """The subscriptions attached to a topic."""
        return list(self._by_topic.get(topic, ()))

    def subscription(self, name: str) -> LiveSubscription:
        """The subscription of that name.

        Raises:
            RequestError: INVALID_ARGUMENT or NOT_FOUND.
        """
        subscription = self.subscriptions.get(name)
        if subscription is None:
            raise not_found("Subscription", resources.check_name("subscriptions", name))
        return subscription

    async def create_subscription(self, config: Pb) -> Pb:
        """Create a subscription; it receives what is published from now on."""
        config.ClearField("detached")
        resources.complete_subscription(config)
        async with self._changing:
            if config.name in self.subscriptions:
                raise already_exists("Subscription", config.name)
            if config.topic not in self.topics:
                raise not_found("Subscription topic", config.topic)
            self._check_requirements(config, Subscription())
            number = next(self._numbers)
            await self._store.save_subscription(number, config)
            self._add(number, config)
        log("INFO", "subscription created", subscription=config.name, topic=config.topic)
        return config

    def _add(self, number: int, config: Pb) -> LiveSubscription:
        subscription = LiveSubscription(number, config, self._push_client, self._listener)
        self.subscriptions[subscription.name] = subscription
        if config.topic in self.topics and not config.detached:
            self._by_topic.setdefault(config.topic, set()).add(subscription)
        return subscription

    def _check_requirements(self, config: Pb, before: Pb) -> None:
        """Check that a new dead-letter topic exists, and that tokens may be signed."""
        policy = config.dead_letter_policy
        replaced = policy != before.dead_letter_policy
        if replaced and policy.ByteSize() and policy.dead_letter_topic not in self.topics:
            raise not_found("Dead letter topic", policy.dead_letter_topic)
        push = config.push_config
        if not push.HasField("oidc_token"):
            return
        if not self._push_client.can_sign:
            raise failed_precondition(
                "push_config.oidc_token needs a signing key: start the server with --signing-key"
            )
        if not self._push_client.signs_for(push.push_endpoint):
            raise failed_precondition(
                f"push_config.oidc_token: tokens are not signed for {push.push_endpoint}; "
                "leave oidc_token unset, or start the server with --sign-for"
            )

    async def update_subscription(self, request: Pb) -> Pb:
        """Change the fields of a subscription that the mask names."""
        async with self._changing:
            subscription = self.subscription(request.subscription.name)
            config = resources.updated(
                subscription.config,
                request.subscription,
                request.update_mask,
                resources.MUTABLE_SUBSCRIPTION_FIELDS,
                "Subscription",
            )
            resources.complete_subscription(config)
            await self._reconfigure(subscription, config)
        return config

    async def modify_push_config(self, name: str, push: Pb) -> None:
        """Push to another endpoint, or switch to pull if the configuration is empty."""
        async with self._changing:
            subscription = self.subscription(name)
            resources.check_push_config(push)
            config = _copy(subscription.config)
            config.push_config.CopyFrom(push)
            await self._reconfigure(subscription, config)

    async def _reconfigure(self, subscription: LiveSubscription, config: Pb) -> None:
        self._check_requirements(config, subscription.config)
        await self._store.save_subscription(subscription.number, config)
        subscription.configure(config)
        log("INFO", "subscription changed", subscription=subscription.name)

    async def delete_subscription(self, name: str) -> None:
        """Delete a subscription with all its undelivered messages."""
        async with self._changing:
            subscription = self.subscription(name)
            # Before the write: a publish in between would store rows for a deleted number.
            self._detach_from_topic(subscription)
            await self._store.delete_subscription(subscription.number)
            del self.subscriptions[name]
            subscription.close(deleted=True)
            self._listener.settle_later(subscription, subscription.backlog.numbers())
        log("INFO", "subscription deleted", subscription=name)

    async def detach(self, name: str) -> None:
        """Detach a subscription from its topic for good and drop its undelivered messages."""
        async with self._changing:
            subscription = self.subscription(name)
            self._detach_from_topic(subscription)
            subscription.detach()
            await self._store.detach_subscription(subscription.number, subscription.config)
            self._listener.settle_later(subscription, subscription.backlog.numbers())

    def _detach_from_topic(self, subscription: LiveSubscription) -> None:
        self._by_topic.get(subscription.config.topic, set()).discard(subscription)


def _copy(config: Pb) -> Pb:
    copy = Subscription()
    copy.CopyFrom(config)
    return copy
