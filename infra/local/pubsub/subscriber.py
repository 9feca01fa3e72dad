"""google.pubsub.v1.Subscriber: subscriptions, and receiving from them.

The platform creates, updates, lists and deletes subscriptions and gets its messages pushed; its
tests call Pull and Acknowledge, for example to read dead letters. The other methods
(GetSubscription, ModifyPushConfig, ModifyAckDeadline, StreamingPull, Seek) are for clients that
people connect to it; of ours, only the conformance tests call them.
"""

import asyncio
from typing import Any

import grpc

from infra.local.pubsub import resources, wire
from infra.local.pubsub.backlog import Lease
from infra.local.pubsub.broker import Broker
from infra.local.pubsub.catalog import LiveSubscription
from infra.local.pubsub.errors import RequestError, invalid, unavailable
from infra.local.pubsub.wire import Pb

SERVICE = "google.pubsub.v1.Subscriber"
MAX_MESSAGES = 1000
# Clients that use PUBSUB_EMULATOR_HOST accept gRPC's default of 4 MB per message.
MAX_BYTES = 3 * 1024 * 1024
LONGEST_PULL_SECONDS = 5.0
NO_LIMIT = 1 << 60


class Subscriber:
    """The methods of the service, by their gRPC names in snake case."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def create_subscription(self, request: Pb, _: Any) -> Pb:
        """Create a subscription."""
        return await self._broker.catalog.create_subscription(request)

    async def get_subscription(self, request: Pb, _: Any) -> Pb:
        """Return a subscription."""
        return self._broker.catalog.subscription(request.subscription).config

    async def update_subscription(self, request: Pb, _: Any) -> Pb:
        """Change a subscription."""
        return await self._broker.catalog.update_subscription(request)

    async def list_subscriptions(self, request: Pb, _: Any) -> Pb:
        """List a project's subscriptions."""
        prefix = resources.check_project(request.project) + "/"
        listed = sorted(self._broker.catalog.subscriptions.items())
        configs = [s.config for name, s in listed if name.startswith(prefix)]
        part, token = wire.page(configs, request, lambda config: str(config.name))
        return wire.ListSubscriptionsResponse(subscriptions=part, next_page_token=token)

    async def delete_subscription(self, request: Pb, _: Any) -> Pb:
        """Delete a subscription."""
        await self._broker.catalog.delete_subscription(request.subscription)
        return wire.Empty()

    async def modify_push_config(self, request: Pb, _: Any) -> Pb:
        """Push to another endpoint, or switch to pull."""
        catalog = self._broker.catalog
        await catalog.modify_push_config(request.subscription, request.push_config)
        return wire.Empty()

    async def modify_ack_deadline(self, request: Pb, _: Any) -> Pb:
        """Extend leases, or end them with a nack."""
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
        """Settle deliveries, even if their deadline has passed."""
        subscription = self._broker.catalog.subscription(request.subscription)
        if not request.ack_ids:
            raise invalid("No ack ids specified: ack_ids is empty")
        numbers = [subscription.read_ack_id(ack_id)[0] for ack_id in request.ack_ids]
        await self._broker.settle(subscription, numbers)
        return wire.Empty()

    async def pull(self, request: Pb, context: Any) -> Pb:
        """Lease messages; if none is ready, wait a few seconds for the first."""
        subscription = self._broker.catalog.subscription(request.subscription)
        if request.max_messages <= 0:
            raise invalid(f"max_messages is {request.max_messages}, it must be positive")
        limit = min(request.max_messages, MAX_MESSAGES)
        wait_seconds = 0.0 if request.return_immediately else _wait_seconds(context)
        leases = await self._lease(subscription, limit, wait_seconds)
        return wire.PullResponse(
            received_messages=await _received_messages(self._broker, subscription, leases)
        )

    async def _lease(
        self, subscription: LiveSubscription, limit: int, wait_seconds: float
    ) -> list[Lease]:
        changed = asyncio.Event()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_seconds
        with subscription.backlog.listening(changed.set):
            while True:
                changed.clear()
                _check_receivable(self._broker, subscription)
                seconds = subscription.policy.ack_seconds
                leases = subscription.backlog.lease(limit, MAX_BYTES, seconds)
                if leases or loop.time() >= deadline:
                    return leases
                try:
                    async with asyncio.timeout_at(deadline):
                        await changed.wait()
                except TimeoutError:
                    return []

    async def streaming_pull(self, requests: Any, context: Any) -> None:
        """Send messages as they become ready, until the client ends the stream."""
        await Stream(self._broker, context).run(requests)

    async def seek(self, request: Pb, _: Any) -> Pb:
        """Settle what was published before a time; acknowledged messages are not replayed."""
        subscription = self._broker.catalog.subscription(request.subscription)
        if request.WhichOneof("target") != "time":
            raise invalid("No target was specified in the SeekRequest: it needs a time")
        before_ms = request.time.ToMilliseconds()
        numbers = subscription.backlog.published_before(before_ms)
        await self._broker.settle(subscription, numbers)
        return wire.SeekResponse()

    def handler(self) -> grpc.GenericRpcHandler:
        """The service, as gRPC serves it."""
        unary, w = wire.unary, wire
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
            "Pull": wire.cancellable(self.pull, w.PullRequest, w.PullResponse),
            "StreamingPull": wire.streaming(
                self.streaming_pull, w.StreamingPullRequest, w.StreamingPullResponse
            ),
            "Seek": unary(self.seek, w.SeekRequest, w.SeekResponse),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)


class Stream:
    """A running StreamingPull; it never has more messages outstanding than the client allows."""

    def __init__(self, broker: Broker, context: Any) -> None:
        self._broker = broker
        self._context = context
        self._changed = asyncio.Event()
        self._ended = False
        self._error: RequestError | None = None
        self._lease_seconds = 0
        self._max_messages = NO_LIMIT
        self._max_bytes = NO_LIMIT
        self._messages = 0
        self._bytes = 0

    async def run(self, requests: Any) -> None:
        """Serve the stream until either side ends it.

        Raises:
            RequestError: a request is invalid, or the subscription can no longer be pulled.
        """
        first = await anext(aiter(requests), None)
        if first is None or not first.subscription:
            raise invalid("the first request of a stream must set subscription")
        subscription = self._broker.catalog.subscription(first.subscription)
        self._set_deadline(first.stream_ack_deadline_seconds)
        self._max_messages = _limit(first.max_outstanding_messages)
        self._max_bytes = _limit(first.max_outstanding_bytes)
        reading = asyncio.create_task(self._read(subscription, requests, first))
        try:
            with subscription.backlog.listening(self._changed.set):
                await self._deliver(subscription)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    def _set_deadline(self, seconds: int) -> None:
        if not 10 <= seconds <= 600:
            raise invalid(f"stream_ack_deadline_seconds is {seconds}, must be between 10 and 600")
        self._lease_seconds = seconds

    async def _deliver(self, subscription: LiveSubscription) -> None:
        while True:
            self._changed.clear()
            if self._error is not None:
                raise self._error
            if self._ended:
                return
            _check_receivable(self._broker, subscription)
            if not await self._send(subscription):
                await self._changed.wait()

    async def _send(self, subscription: LiveSubscription) -> bool:
        """Send what is ready and within the limits; return whether there was anything."""
        room = min(self._max_messages - self._messages, MAX_MESSAGES)
        room_bytes = min(self._max_bytes - self._bytes, MAX_BYTES)
        if room <= 0 or room_bytes <= 0:
            return False
        leases = subscription.backlog.lease(room, room_bytes, self._lease_seconds, self._released)
        if not leases:
            return False
        for lease in leases:
            self._messages += 1
            self._bytes += lease.message.size_bytes
        received = await _received_messages(self._broker, subscription, leases)
        await self._context.write(wire.StreamingPullResponse(received_messages=received))
        return True

    def _released(self, size_bytes: int) -> None:
        self._messages -= 1
        self._bytes -= size_bytes
        self._changed.set()

    async def _read(self, subscription: LiveSubscription, requests: Any, first: Pb) -> None:
        try:
            self._apply(subscription, first)
            async for request in requests:
                self._apply(subscription, request)
        except RequestError as error:
            self._error = error
        finally:
            self._ended = True
            self._changed.set()

    def _apply(self, subscription: LiveSubscription, request: Pb) -> None:
        """Carry out one request: acknowledgements and changes of deadlines."""
        if request.stream_ack_deadline_seconds:
            self._set_deadline(request.stream_ack_deadline_seconds)
        settled = [subscription.read_ack_id(ack_id)[0] for ack_id in request.ack_ids]
        self._broker.settle_later(subscription, settled)
        if len(request.modify_deadline_ack_ids) != len(request.modify_deadline_seconds):
            raise invalid("modify_deadline_ack_ids and modify_deadline_seconds differ in length")
        for ack_id, seconds in zip(
            request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=True
        ):
            lease = subscription.backlog.find(*subscription.read_ack_id(ack_id))
            if lease is not None:
                subscription.backlog.extend(lease, seconds)


def _check_receivable(broker: Broker, subscription: LiveSubscription) -> None:
    subscription.check_pullable()
    if broker.stopping:
        raise unavailable("the server is stopping")


async def _received_messages(
    broker: Broker, subscription: LiveSubscription, leases: list[Lease]
) -> list[Pb]:
    """The leased messages as a subscriber receives them, without those deleted meanwhile."""
    received = [await _received_message(broker, subscription, lease) for lease in leases]
    return [message for message in received if message]


async def _received_message(
    broker: Broker, subscription: LiveSubscription, lease: Lease
) -> Pb | None:
    body = await broker.bodies.read(lease.message.number)
    if body is None:
        return None
    message = wire.ReceivedMessage(ack_id=subscription.ack_id(lease.message.number, lease.number))
    message.message.MergeFromString(body)
    if subscription.policy.dead_letter is not None:
        message.delivery_attempt = lease.attempt
    return message


def _limit(given: int) -> int:
    """Google takes 0 and less as no limit."""
    return given if given > 0 else NO_LIMIT


def _wait_seconds(context: Any) -> float:
    """How long a pull may wait: a bit less than its caller, who then gets an empty response."""
    remaining = context.time_remaining()
    if remaining is None:
        return LONGEST_PULL_SECONDS
    return float(min(LONGEST_PULL_SECONDS, max(0.0, remaining - 0.2)))
