"""google.pubsub.v1.Subscriber."""

import asyncio
from typing import Any

import grpc

from infra.local.pubsub import names, service, wire
from infra.local.pubsub.backlog import Lease
from infra.local.pubsub.broker import Broker
from infra.local.pubsub.refusals import invalid, unavailable
from infra.local.pubsub.stream import Stream
from infra.local.pubsub.subscription import LiveSubscription
from infra.local.pubsub.wire import Pb

SERVICE = "google.pubsub.v1.Subscriber"
MAX_PULLED = 1000
# Clients that find the server by PUBSUB_EMULATOR_HOST take 4 MB at a time, gRPC's default.
MAX_PULLED_BYTES = 3 * 1024 * 1024
LONGEST_PULL_SECONDS = 5.0


class Subscriber:
    """Subscriptions, and receiving from them."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def create_subscription(self, request: Pb, _: Any) -> Pb:
        """Make a subscription."""
        return await self._broker.catalog.create_subscription(request)

    async def get_subscription(self, request: Pb, _: Any) -> Pb:
        """Show a subscription."""
        return self._broker.catalog.subscription(request.subscription).config

    async def update_subscription(self, request: Pb, _: Any) -> Pb:
        """Change a subscription."""
        return await self._broker.catalog.update_subscription(request)

    async def list_subscriptions(self, request: Pb, _: Any) -> Pb:
        """List a project's subscriptions."""
        prefix = names.check_project(request.project) + "/"
        listed = sorted(self._broker.catalog.subscriptions.items())
        configs = [s.config for name, s in listed if name.startswith(prefix)]
        part, token = service.page(configs, request, lambda config: str(config.name))
        return wire.ListSubscriptionsResponse(subscriptions=part, next_page_token=token)

    async def delete_subscription(self, request: Pb, _: Any) -> Pb:
        """Remove a subscription."""
        await self._broker.catalog.delete_subscription(request.subscription)
        return wire.Empty()

    async def modify_push_config(self, request: Pb, _: Any) -> Pb:
        """Push elsewhere, or turn to pull."""
        await self._broker.catalog.modify_push(request.subscription, request.push_config)
        return wire.Empty()

    async def modify_ack_deadline(self, request: Pb, _: Any) -> Pb:
        """Extend leases, or give deliveries back."""
        subscription = self._broker.catalog.subscription(request.subscription)
        if not request.ack_ids:
            raise invalid("No ack ids specified: ack_ids is empty")
        if not 0 <= request.ack_deadline_seconds <= 600:
            given = request.ack_deadline_seconds
            raise invalid(f"ack_deadline_seconds is {given}, it must be between 0 and 600")
        for message, number in [subscription.read_ack_id(a) for a in request.ack_ids]:
            lease = subscription.backlog.find(message, number)
            if lease is not None:
                subscription.backlog.extend(lease, request.ack_deadline_seconds)
        return wire.Empty()

    async def acknowledge(self, request: Pb, _: Any) -> Pb:
        """End deliveries, also those whose deadline has passed."""
        subscription = self._broker.catalog.subscription(request.subscription)
        if not request.ack_ids:
            raise invalid("No ack ids specified: ack_ids is empty")
        numbers = [subscription.read_ack_id(ack_id)[0] for ack_id in request.ack_ids]
        await self._broker.settle(subscription, numbers)
        return wire.Empty()

    async def pull(self, request: Pb, context: Any) -> Pb:
        """Lease messages; wait a while for the first one."""
        subscription = self._broker.catalog.subscription(request.subscription)
        if request.max_messages <= 0:
            raise invalid(f"max_messages is {request.max_messages}, it must be positive")
        limit = min(request.max_messages, MAX_PULLED)
        patience = 0.0 if request.return_immediately else _patience(context)
        leases = await self._leases(subscription, limit, patience)
        return wire.PullResponse(received_messages=await self._received(subscription, leases))

    async def _leases(
        self, subscription: LiveSubscription, limit: int, patience_seconds: float
    ) -> list[Lease]:
        stirred = asyncio.Event()
        loop = asyncio.get_running_loop()
        end = loop.time() + patience_seconds
        with subscription.backlog.listening(stirred.set):
            while True:
                stirred.clear()
                subscription.must_be_pullable()
                if self._broker.stopping:
                    raise unavailable("the server is stopping")
                seconds = subscription.terms.ack_seconds
                leases = subscription.backlog.take(limit, MAX_PULLED_BYTES, seconds)
                if leases or loop.time() >= end:
                    return leases
                try:
                    async with asyncio.timeout_at(end):
                        await stirred.wait()
                except TimeoutError:
                    return []

    async def _received(self, subscription: LiveSubscription, leases: list[Lease]) -> list[Pb]:
        return [r for r in [await self.received(subscription, lease) for lease in leases] if r]

    async def received(self, subscription: LiveSubscription, lease: Lease) -> Pb | None:
        """A leased message as a subscriber gets it; None when its body is gone."""
        body = await self._broker.bodies.of(lease.message.number)
        if body is None:
            return None
        message = wire.ReceivedMessage(
            ack_id=subscription.ack_id(lease.message.number, lease.number)
        )
        message.message.MergeFromString(body)
        if subscription.terms.dead_letter is not None:
            message.delivery_attempt = lease.attempt
        return message

    async def streaming_pull(self, requests: Any, context: Any) -> None:
        """Send messages as they come, until the client has enough of them."""
        await Stream(self._broker, self, context).run(requests)

    async def seek(self, request: Pb, _: Any) -> Pb:
        """Drop what was published before a time; what was acknowledged does not come back."""
        subscription = self._broker.catalog.subscription(request.subscription)
        if request.WhichOneof("target") != "time":
            raise invalid("No target was specified in the SeekRequest: it needs a time")
        before_ms = request.time.ToMilliseconds()
        numbers = subscription.backlog.published_before(before_ms)
        await self._broker.settle(subscription, numbers)
        return wire.SeekResponse()

    def handler(self) -> grpc.GenericRpcHandler:
        """The service as gRPC serves it."""
        unary, w = service.unary, wire
        methods = {
            "CreateSubscription": unary(self.create_subscription, w.Subscription, w.Subscription),
            "GetSubscription": unary(
                self.get_subscription, w.GetSubscriptionRequest, w.Subscription
            ),
            "UpdateSubscription": unary(
                self.update_subscription, w.UpdateSubscriptionRequest, w.Subscription
            ),
            "ListSubscriptions": unary(
                self.list_subscriptions, w.ListSubscriptionsRequest, w.ListSubscriptionsResponse
            ),
            "DeleteSubscription": unary(
                self.delete_subscription, w.DeleteSubscriptionRequest, w.Empty
            ),
            "ModifyPushConfig": unary(self.modify_push_config, w.ModifyPushConfigRequest, w.Empty),
            "ModifyAckDeadline": unary(
                self.modify_ack_deadline, w.ModifyAckDeadlineRequest, w.Empty
            ),
            "Acknowledge": unary(self.acknowledge, w.AcknowledgeRequest, w.Empty),
            "Pull": service.waiting(self.pull, w.PullRequest, w.PullResponse),
            "StreamingPull": service.streaming(
                self.streaming_pull, w.StreamingPullRequest, w.StreamingPullResponse
            ),
            "Seek": unary(self.seek, w.SeekRequest, w.SeekResponse),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)


def _patience(context: Any) -> float:
    """Wait somewhat less than the caller does, so that it gets an answer and no error."""
    remaining = context.time_remaining()
    if remaining is None:
        return LONGEST_PULL_SECONDS
    return float(min(LONGEST_PULL_SECONDS, max(0.0, remaining - 0.2)))
