"""StreamingPull: one subscriber's stream, messages one way, acknowledgements the other."""

import asyncio
from typing import TYPE_CHECKING, Any

from infra.local.pubsub import wire
from infra.local.pubsub.broker import Broker
from infra.local.pubsub.refusals import Refused, invalid, unavailable
from infra.local.pubsub.subscription import LiveSubscription
from infra.local.pubsub.wire import Pb

if TYPE_CHECKING:
    from infra.local.pubsub.subscriber import Subscriber

MAX_BATCH = 1000
# Clients that find the server by PUBSUB_EMULATOR_HOST take 4 MB at a time, gRPC's default.
MAX_BATCH_BYTES = 3 * 1024 * 1024
NO_LIMIT = 1 << 60


class Stream:
    """A running StreamingPull: no more than the client allows is outstanding on it."""

    def __init__(self, broker: Broker, subscriber: "Subscriber", context: Any) -> None:
        self._broker = broker
        self._subscriber = subscriber
        self._context = context
        self._stirred = asyncio.Event()
        self._ended = False
        self._fault: Refused | None = None
        self._lease_seconds = 0
        self._max_messages = NO_LIMIT
        self._max_bytes = NO_LIMIT
        self._messages = 0
        self._bytes = 0

    async def run(self, requests: Any) -> None:
        """Serve the stream until either side ends it.

        Raises:
            Refused: the first request is wrong, or the subscription can no longer be pulled.
        """
        first = await anext(aiter(requests), None)
        if first is None or not first.subscription:
            raise invalid("the first request of a stream must set subscription")
        subscription = self._broker.catalog.subscription(first.subscription)
        self._set_deadline(first.stream_ack_deadline_seconds)
        self._max_messages = _limit(first.max_outstanding_messages)
        self._max_bytes = _limit(first.max_outstanding_bytes)
        listening = asyncio.create_task(self._listen(subscription, requests, first))
        try:
            with subscription.backlog.listening(self._stirred.set):
                await self._deliver(subscription)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    def _set_deadline(self, seconds: int) -> None:
        if not 10 <= seconds <= 600:
            raise invalid(f"stream_ack_deadline_seconds is {seconds}, must be between 10 and 600")
        self._lease_seconds = seconds

    async def _deliver(self, subscription: LiveSubscription) -> None:
        while True:
            self._stirred.clear()
            if self._fault is not None:
                raise self._fault
            if self._ended:
                return
            subscription.must_be_pullable()
            if self._broker.stopping:
                raise unavailable("the server is stopping")
            if not await self._send(subscription):
                await self._stirred.wait()

    async def _send(self, subscription: LiveSubscription) -> bool:
        """Send what is ready and allowed; return whether there was any."""
        room = min(self._max_messages - self._messages, MAX_BATCH)
        room_bytes = min(self._max_bytes - self._bytes, MAX_BATCH_BYTES)
        if room <= 0 or room_bytes <= 0:
            return False
        leases = subscription.backlog.take(room, room_bytes, self._lease_seconds, self._release)
        if not leases:
            return False
        for lease in leases:
            self._messages += 1
            self._bytes += lease.message.size_bytes
        received = [await self._subscriber.received(subscription, lease) for lease in leases]
        response = wire.StreamingPullResponse(received_messages=[r for r in received if r])
        await self._context.write(response)
        return True

    def _release(self, size_bytes: int) -> None:
        self._messages -= 1
        self._bytes -= size_bytes
        self._stirred.set()

    async def _listen(self, subscription: LiveSubscription, requests: Any, first: Pb) -> None:
        try:
            self._heed(subscription, first)
            async for request in requests:
                self._heed(subscription, request)
        except Refused as fault:
            self._fault = fault
        finally:
            self._ended = True
            self._stirred.set()

    def _heed(self, subscription: LiveSubscription, request: Pb) -> None:
        if request.stream_ack_deadline_seconds:
            self._set_deadline(request.stream_ack_deadline_seconds)
        settled = [subscription.read_ack_id(ack_id)[0] for ack_id in request.ack_ids]
        self._broker.note_settled(subscription, settled)
        if len(request.modify_deadline_ack_ids) != len(request.modify_deadline_seconds):
            raise invalid("modify_deadline_ack_ids and modify_deadline_seconds differ in length")
        for ack_id, seconds in zip(
            request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=True
        ):
            lease = subscription.backlog.find(*subscription.read_ack_id(ack_id))
            if lease is not None:
                subscription.backlog.extend(lease, seconds)


def _limit(given: int) -> int:
    """Google takes 0 and less as no limit."""
    return given if given > 0 else NO_LIMIT
