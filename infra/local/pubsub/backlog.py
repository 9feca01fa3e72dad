"""What one subscription is owed: ready, leased to somebody, or waiting for its next try."""

import asyncio
import itertools
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from infra.local.pubsub.terms import Terms

# Lease numbers of an earlier run must not match those of this one.
_lease_numbers = itertools.count(secrets.randbits(48))


@dataclass(slots=True)
class Message:
    """A published message, without its body; `holders` counts the deliveries outstanding."""

    number: int
    published_ms: int
    size_bytes: int
    holders: int = 0


@dataclass(slots=True, eq=False)
class Delivery:
    """One message owed to one subscription."""

    message: Message
    failures: int = 0
    lease: "Lease | None" = None
    timer: asyncio.TimerHandle | None = None
    settled: bool = False

    def rest(self) -> None:
        """Stop the clock, and let go of the lease."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.lease is not None:
            lease, self.lease = self.lease, None
            lease.released(self.message.size_bytes)


@dataclass(slots=True, eq=False)
class Lease:
    """A delivery in the hands of a subscriber until its deadline."""

    delivery: Delivery
    released: Callable[[int], None]
    number: int = field(default_factory=lambda: next(_lease_numbers))

    @property
    def message(self) -> Message:
        """The message leased."""
        return self.delivery.message

    @property
    def attempt(self) -> int:
        """Which delivery of the message this is, from 1."""
        return self.delivery.failures + 1


def _nothing(_: int) -> None:
    """Nobody waits for the lease's end."""


class Backlog:
    """The deliveries outstanding of one subscription.

    `on_failure` is told of each failed delivery before it is tried again, with the seconds
    to wait; `on_death` gets a delivery that used up its attempts, and must settle or retry it.
    """

    def __init__(
        self,
        terms: Terms,
        on_failure: Callable[[Delivery, float], None],
        on_death: Callable[[Delivery], None],
    ) -> None:
        self.terms = terms
        self._on_failure = on_failure
        self._on_death = on_death
        self._loop = asyncio.get_running_loop()
        self._ready: deque[Delivery] = deque()
        self._outstanding: dict[int, Delivery] = {}
        self._listeners: set[Callable[[], None]] = set()

    def __len__(self) -> int:
        return len(self._outstanding)

    def add_listener(self, listener: Callable[[], None]) -> None:
        """Have `listener` called whenever deliveries become ready."""
        self._listeners.add(listener)

    def remove_listener(self, listener: Callable[[], None]) -> None:
        """Call `listener` no more."""
        self._listeners.discard(listener)

    @contextmanager
    def listening(self, listener: Callable[[], None]) -> Iterator[None]:
        """Have `listener` called inside a with block."""
        self.add_listener(listener)
        try:
            yield
        finally:
            self.remove_listener(listener)

    def stir(self) -> None:
        """Tell the listeners that something has changed."""
        for listener in tuple(self._listeners):
            listener()

    def add(self, deliveries: Iterable[Delivery], wait_seconds: float = 0.0) -> None:
        """Owe messages to the subscription, ready after `wait_seconds`; `stir` tells of them."""
        for delivery in deliveries:
            delivery.message.holders += 1
            self._outstanding[delivery.message.number] = delivery
            if wait_seconds > 0:
                self._ready_later(delivery, wait_seconds)
            else:
                self._ready.append(delivery)

    def take(
        self,
        limit: int,
        max_bytes: int,
        lease_seconds: float,
        released: Callable[[int], None] = _nothing,
    ) -> list[Lease]:
        """Lease ready deliveries, at least one whatever its size, if there is one."""
        leases: list[Lease] = []
        size = 0
        while self._ready and len(leases) < limit:
            delivery = self._ready[0]
            size += 0 if delivery.settled else delivery.message.size_bytes
            if leases and size > max_bytes:
                break
            self._ready.popleft()
            if not delivery.settled:
                leases.append(self._lease(delivery, lease_seconds, released))
        return leases

    def _lease(
        self, delivery: Delivery, lease_seconds: float, released: Callable[[int], None]
    ) -> Lease:
        lease = delivery.lease = Lease(delivery, released)
        delivery.timer = self._loop.call_later(lease_seconds, self.fail, lease)
        return lease

    def find(self, message_number: int, lease_number: int) -> Lease | None:
        """The lease of that number, if it still runs."""
        delivery = self._outstanding.get(message_number)
        if delivery is None or delivery.lease is None or delivery.lease.number != lease_number:
            return None
        return delivery.lease

    def extend(self, lease: Lease, lease_seconds: float) -> None:
        """Move a lease's deadline to `lease_seconds` from now; 0 gives the delivery back."""
        if lease.delivery.lease is not lease:
            return
        if lease_seconds <= 0:
            self.fail(lease)
            return
        if lease.delivery.timer is not None:
            lease.delivery.timer.cancel()
        lease.delivery.timer = self._loop.call_later(lease_seconds, self.fail, lease)

    def fail(self, lease: Lease) -> None:
        """A delivery was given back, or its deadline has passed."""
        delivery = lease.delivery
        if delivery.lease is not lease:
            return
        delivery.failures += 1
        delivery.rest()
        if self.terms.is_dead_after(delivery.failures):
            self._on_death(delivery)
        else:
            self.retry(delivery)

    def retry(self, delivery: Delivery) -> None:
        """Try a failed delivery again when its backoff is over."""
        if delivery.settled:
            return
        wait_seconds = self.terms.wait_after(delivery.failures)
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
        self.stir()

    def settle(self, message_numbers: Iterable[int]) -> list[Message]:
        """End deliveries, whoever holds them; return the messages of those there were."""
        settled = []
        for number in message_numbers:
            delivery = self._outstanding.pop(number, None)
            if delivery is not None:
                delivery.settled = True
                delivery.rest()
                delivery.message.holders -= 1
                settled.append(delivery.message)
        if not self._outstanding:
            self._ready.clear()
        return settled

    def published_before(self, published_ms: int) -> list[int]:
        """The numbers of the messages published before a time."""
        return [
            number
            for number, delivery in self._outstanding.items()
            if delivery.message.published_ms < published_ms
        ]

    def expired(self) -> list[int]:
        """The numbers of the messages that are older than they are kept."""
        return self.published_before(int((time.time() - self.terms.retention_seconds) * 1000))

    def numbers(self) -> list[int]:
        """The numbers of all messages outstanding."""
        return list(self._outstanding)
