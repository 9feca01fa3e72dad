"""The messages that one subscription has yet to acknowledge: ready, leased or waiting to retry."""

import asyncio
import itertools
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from infra.local.pubsub.delivery_policy import DeliveryPolicy

# A random start, so that an ack id from before a restart never matches a new lease.
_lease_numbers = itertools.count(secrets.randbits(48))


@dataclass(slots=True)
class Message:
    """A published message without its body; `references` counts its unsettled deliveries."""

    number: int
    published_ms: int
    size_bytes: int
    references: int = 0


@dataclass(slots=True, eq=False)
class Delivery:
    """One message on its way to one subscription."""

    message: Message
    failures: int = 0
    lease: "Lease | None" = None
    timer: asyncio.TimerHandle | None = None
    settled: bool = False

    def release(self) -> None:
        """Stop the timer and end the lease, if there is one."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.lease is not None:
            lease, self.lease = self.lease, None
            lease.on_release(self.message.size_bytes)


@dataclass(slots=True, eq=False)
class Lease:
    """A delivery that a subscriber holds until its deadline.

    `on_release` is called with the message's size when the lease ends.
    """

    delivery: Delivery
    on_release: Callable[[int], None]
    number: int = field(default_factory=lambda: next(_lease_numbers))

    @property
    def message(self) -> Message:
        """The leased message."""
        return self.delivery.message

    @property
    def attempt(self) -> int:
        """The delivery attempt, from 1."""
        return self.delivery.failures + 1


def _ignore(_: int) -> None:
    """Do nothing when the lease ends."""


class Backlog:
    """The unsettled deliveries of one subscription.

    `on_failure` is called when a delivery failed and will be retried, with the seconds until
    then. `on_exhausted` is called when a delivery has used up its attempts; it must settle or
    retry it.
    """

    def __init__(
        self,
        policy: DeliveryPolicy,
        on_failure: Callable[[Delivery, float], None],
        on_exhausted: Callable[[Delivery], None],
    ) -> None:
        self.policy = policy
        self._on_failure = on_failure
        self._on_exhausted = on_exhausted
        self._loop = asyncio.get_running_loop()
        self._ready: deque[Delivery] = deque()
        self._unsettled: dict[int, Delivery] = {}
        self._listeners: set[Callable[[], None]] = set()

    def add_listener(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever deliveries become ready."""
        self._listeners.add(listener)

    def remove_listener(self, listener: Callable[[], None]) -> None:
        """Stop calling `listener`."""
        self._listeners.discard(listener)

    @contextmanager
    def listening(self, listener: Callable[[], None]) -> Iterator[None]:
        """Call `listener` for the time of a with block."""
        self.add_listener(listener)
        try:
            yield
        finally:
            self.remove_listener(listener)

    def notify(self) -> None:
        """Call the listeners: deliveries are ready, or the subscription has changed."""
        for listener in tuple(self._listeners):
            listener()

    def add(self, deliveries: Iterable[Delivery], wait_seconds: float = 0.0) -> None:
        """Add deliveries that become ready after `wait_seconds`; call `notify` afterwards."""
        for delivery in deliveries:
            delivery.message.references += 1
            self._unsettled[delivery.message.number] = delivery
            if wait_seconds > 0:
                self._ready_later(delivery, wait_seconds)
            else:
                self._ready.append(delivery)

    def lease(
        self,
        limit: int,
        max_bytes: int,
        lease_seconds: float,
        on_release: Callable[[int], None] = _ignore,
    ) -> list[Lease]:
        """Lease ready deliveries up to both limits; the first one may exceed `max_bytes`."""
        leases: list[Lease] = []
        size = 0
        while self._ready and len(leases) < limit:
            delivery = self._ready[0]
            size += 0 if delivery.settled else delivery.message.size_bytes
            if leases and size > max_bytes:
                break
            self._ready.popleft()
            if not delivery.settled:
                leases.append(self._lease(delivery, lease_seconds, on_release))
        return leases

    def _lease(
        self, delivery: Delivery, lease_seconds: float, on_release: Callable[[int], None]
    ) -> Lease:
        lease = delivery.lease = Lease(delivery, on_release)
        delivery.timer = self._loop.call_later(lease_seconds, self.fail, lease)
        return lease

    def find(self, message_number: int, lease_number: int) -> Lease | None:
        """The lease with that number, or None if it has ended."""
        delivery = self._unsettled.get(message_number)
        if delivery is None or delivery.lease is None or delivery.lease.number != lease_number:
            return None
        return delivery.lease

    def extend(self, lease: Lease, lease_seconds: float) -> None:
        """Move a lease's deadline to `lease_seconds` from now; 0 means a nack."""
        if lease.delivery.lease is not lease:
            return
        if lease_seconds <= 0:
            self.fail(lease)
            return
        if lease.delivery.timer is not None:
            lease.delivery.timer.cancel()
        lease.delivery.timer = self._loop.call_later(lease_seconds, self.fail, lease)

    def fail(self, lease: Lease) -> None:
        """End a lease whose delivery was nacked, or whose deadline has passed."""
        delivery = lease.delivery
        if delivery.lease is not lease:
            return
        delivery.failures += 1
        delivery.release()
        if self.policy.is_exhausted(delivery.failures):
            self._on_exhausted(delivery)
        else:
            self.retry(delivery)

    def retry(self, delivery: Delivery) -> None:
        """Make a failed delivery ready again after its backoff."""
        if delivery.settled:
            return
        wait_seconds = self.policy.backoff_seconds(delivery.failures)
        self._on_failure(delivery, wait_seconds)
        if wait_seconds > 0:
            self._ready_later(delivery, wait_seconds)
        else:
            self._make_ready(delivery)

    def _ready_later(self, delivery: Delivery, wait_seconds: float) -> None:
        delivery.timer = self._loop.call_later(wait_seconds, self._make_ready, delivery)

    def _make_ready(self, delivery: Delivery) -> None:
        delivery.timer = None
        self._ready.append(delivery)
        self.notify()

    def settle(self, message_numbers: Iterable[int]) -> list[Message]:
        """End deliveries, leased or not; return the messages of those that were unsettled."""
        settled = []
        for number in message_numbers:
            delivery = self._unsettled.pop(number, None)
            if delivery is not None:
                delivery.settled = True
                delivery.release()
                delivery.message.references -= 1
                settled.append(delivery.message)
        if not self._unsettled:
            self._ready.clear()
        return settled

    def published_before(self, published_ms: int) -> list[int]:
        """The numbers of the messages published before a time."""
        return [
            number
            for number, delivery in self._unsettled.items()
            if delivery.message.published_ms < published_ms
        ]

    def expired(self) -> list[int]:
        """The numbers of the messages that are past their retention."""
        return self.published_before(int((time.time() - self.policy.retention_seconds) * 1000))

    def numbers(self) -> list[int]:
        """The numbers of all unsettled messages."""
        return list(self._unsettled)
