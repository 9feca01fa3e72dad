"""The catalog: which topics and subscriptions there are, and every change to them."""

import asyncio
import itertools

from infra.local.pubsub import configs, names
from infra.local.pubsub.logs import log
from infra.local.pubsub.pusher import Courier
from infra.local.pubsub.records import Records
from infra.local.pubsub.refusals import exists, missing, precondition
from infra.local.pubsub.subscription import LiveSubscription, Overseer
from infra.local.pubsub.wire import Pb, Subscription, Topic


class Catalog:
    """Topics and subscriptions by name; a change is in `Records` before it is seen here."""

    def __init__(self, records: Records, courier: Courier, overseer: Overseer) -> None:
        self.topics: dict[str, Pb] = {}
        self.subscriptions: dict[str, LiveSubscription] = {}
        self._records = records
        self._courier = courier
        self._overseer = overseer
        self._by_topic: dict[str, set[LiveSubscription]] = {}
        self._changing = asyncio.Lock()
        self._numbers = itertools.count(1)

    def restore(
        self, topics: list[bytes], subscriptions: list[tuple[int, bytes]], highest_number: int
    ) -> dict[int, LiveSubscription]:
        """Take up what an earlier run left behind; return the subscriptions by number."""
        self._numbers = itertools.count(highest_number + 1)
        for config in map(Topic.FromString, topics):
            self.topics[config.name] = config
        return {
            number: self.serve(number, Subscription.FromString(config))
            for number, config in subscriptions
        }

    def topic(self, name: str) -> Pb:
        """The topic of that name.

        Raises:
            Refused: INVALID_ARGUMENT or NOT_FOUND.
        """
        config = self.topics.get(name)
        if config is None:
            raise missing("Topic", names.check("topics", name))
        return config

    async def create_topic(self, config: Pb) -> Pb:
        """Make a topic."""
        configs.check_topic(config)
        async with self._changing:
            if config.name in self.topics:
                raise exists("Topic", config.name)
            config.state = Topic.State.ACTIVE
            await self._records.save_topic(config)
            self.topics[config.name] = config
        log("INFO", "topic created", topic=config.name)
        return config

    async def update_topic(self, request: Pb) -> Pb:
        """Change the fields of a topic that the mask names."""
        async with self._changing:
            stored = self.topic(request.topic.name)
            mutable = configs.MUTABLE_IN_TOPICS
            config = configs.changed(stored, request.topic, request.update_mask, mutable, "Topic")
            configs.check_topic(config)
            await self._records.save_topic(config)
            self.topics[config.name] = config
        return config

    async def delete_topic(self, name: str) -> None:
        """Remove a topic; its subscriptions stay and deliver what they were owed."""
        async with self._changing:
            self.topic(name)
            orphans = []
            for subscription in self.subscriptions_of(name):
                config = Subscription()
                config.CopyFrom(subscription.config)
                config.topic = names.DELETED_TOPIC
                orphans.append((subscription, config))
            await self._records.delete_topic(name, [(s.number, c) for s, c in orphans])
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
            Refused: INVALID_ARGUMENT or NOT_FOUND.
        """
        subscription = self.subscriptions.get(name)
        if subscription is None:
            raise missing("Subscription", names.check("subscriptions", name))
        return subscription

    async def create_subscription(self, config: Pb) -> Pb:
        """Make a subscription; it gets what is published from now on."""
        config.ClearField("detached")
        configs.complete_subscription(config)
        async with self._changing:
            if config.name in self.subscriptions:
                raise exists("Subscription", config.name)
            if config.topic not in self.topics:
                raise missing("Subscription topic", config.topic)
            self._check_partners(config, Subscription())
            number = next(self._numbers)
            await self._records.save_subscription(number, config)
            self.serve(number, config)
        log("INFO", "subscription created", subscription=config.name, topic=config.topic)
        return config

    def serve(self, number: int, config: Pb) -> LiveSubscription:
        """Bring a subscription to life."""
        subscription = LiveSubscription(number, config, self._courier, self._overseer)
        self.subscriptions[subscription.name] = subscription
        if config.topic in self.topics and not config.detached:
            self._by_topic.setdefault(config.topic, set()).add(subscription)
        return subscription

    def _check_partners(self, config: Pb, before: Pb) -> None:
        policy = config.dead_letter_policy
        replaced = policy != before.dead_letter_policy
        if replaced and policy.ByteSize() and policy.dead_letter_topic not in self.topics:
            raise missing("Dead letter topic", policy.dead_letter_topic)
        if config.push_config.HasField("oidc_token") and not self._courier.can_sign:
            raise precondition(
                "push_config.oidc_token needs a signing key: start the server with --signing-key"
            )

    async def update_subscription(self, request: Pb) -> Pb:
        """Change the fields of a subscription that the mask names."""
        async with self._changing:
            subscription = self.subscription(request.subscription.name)
            config = configs.changed(
                subscription.config,
                request.subscription,
                request.update_mask,
                configs.MUTABLE_IN_SUBSCRIPTIONS,
                "Subscription",
            )
            configs.complete_subscription(config)
            await self._reconfigure(subscription, config)
        return config

    async def modify_push(self, name: str, push: Pb) -> None:
        """Push to another endpoint, or turn to pull when it is empty."""
        async with self._changing:
            subscription = self.subscription(name)
            configs.check_push(push)
            config = Subscription()
            config.CopyFrom(subscription.config)
            config.push_config.CopyFrom(push)
            await self._reconfigure(subscription, config)

    async def _reconfigure(self, subscription: LiveSubscription, config: Pb) -> None:
        self._check_partners(config, subscription.config)
        await self._records.save_subscription(subscription.number, config)
        subscription.configure(config)
        log("INFO", "subscription changed", subscription=subscription.name)

    async def delete_subscription(self, name: str) -> None:
        """Remove a subscription and all it was owed."""
        async with self._changing:
            subscription = self.subscription(name)
            # Before the write, or a publish meanwhile would leave rows for a number gone.
            self._unsubscribe(subscription)
            await self._records.delete_subscription(subscription.number)
            del self.subscriptions[name]
            subscription.close(deleted=True)
            self._overseer.note_settled(subscription, subscription.backlog.numbers())
        log("INFO", "subscription deleted", subscription=name)

    async def detach(self, name: str) -> None:
        """Cut a subscription off from its topic for good, dropping what it was owed."""
        async with self._changing:
            subscription = self.subscription(name)
            self._unsubscribe(subscription)
            subscription.detach()
            await self._records.detach_subscription(subscription.number, subscription.config)
            self._overseer.note_settled(subscription, subscription.backlog.numbers())

    def _unsubscribe(self, subscription: LiveSubscription) -> None:
        self._by_topic.get(subscription.config.topic, set()).discard(subscription)
