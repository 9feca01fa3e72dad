"""A subscription as it lives in memory: configuration, backlog and, if it pushes, a pusher."""

from typing import Protocol

from infra.local.pubsub import terms
from infra.local.pubsub.backlog import Backlog, Delivery
from infra.local.pubsub.pusher import Courier, Pusher
from infra.local.pubsub.refusals import Refused, invalid, missing, precondition
from infra.local.pubsub.wire import Pb, Subscription


class Overseer(Protocol):
    """Who is told what becomes of a subscription's deliveries."""

    def failed(
        self, subscription: "LiveSubscription", delivery: Delivery, wait_seconds: float
    ) -> None:
        """A delivery failed and is tried again after so many seconds."""

    def died(self, subscription: "LiveSubscription", delivery: Delivery) -> None:
        """A delivery failed for the last time."""

    def note_settled(self, subscription: "LiveSubscription", numbers: list[int]) -> None:
        """Deliveries were acknowledged."""


class LiveSubscription:
    """A subscription being served."""

    def __init__(
        self,
        number: int,
        config: Pb,
        courier: Courier,
        overseer: Overseer,
    ) -> None:
        self.number = number
        self.config = config
        self.terms = terms.of(config)
        self.deleted = False
        self.backlog = Backlog(
            self.terms,
            lambda delivery, wait_seconds: overseer.failed(self, delivery, wait_seconds),
            lambda delivery: overseer.died(self, delivery),
        )
        self._courier = courier
        self._overseer = overseer
        self._pusher: Pusher | None = None
        self._place_pusher()

    @property
    def name(self) -> str:
        """The full name."""
        return str(self.config.name)

    def configure(self, config: Pb) -> None:
        """Serve by another configuration from now on; leases that run keep their deadlines."""
        self.config = config
        self.terms = self.backlog.terms = terms.of(config)
        self._place_pusher()
        self.backlog.stir()

    def _place_pusher(self) -> None:
        self._retire_pusher()
        if self.terms.push is not None and not self.config.detached:
            self._pusher = Pusher(self.name, self.terms, self.backlog, self._courier, self._accept)
            self.backlog.add_listener(self._pusher.pump)
            self._pusher.pump()

    def _retire_pusher(self) -> None:
        if self._pusher is not None:
            self._pusher.stopped = True
            self.backlog.remove_listener(self._pusher.pump)
            self._pusher = None

    def _accept(self, numbers: list[int]) -> None:
        self._overseer.note_settled(self, numbers)

    def close(self, deleted: bool = False) -> None:
        """Stop serving: the subscription was deleted, or the server stops."""
        self.deleted = deleted
        self._retire_pusher()
        self.backlog.stir()

    def must_be_pullable(self) -> None:
        """Check that messages may be pulled.

        Raises:
            Refused: NOT_FOUND when deleted, FAILED_PRECONDITION when detached or pushed.
        """
        if self.deleted:
            raise missing("Subscription", self.name)
        if self.config.detached:
            raise precondition(f"{self.name} is detached from its topic")
        if self.terms.push is not None:
            raise precondition(
                f"This method is not supported for this subscription type: {self.name} "
                f"pushes to {self.terms.push.endpoint}"
            )

    def ack_id(self, message_number: int, lease_number: int) -> str:
        """What a subscriber names a lease by."""
        return f"{self.number}.{message_number}.{lease_number}"

    def read_ack_id(self, ack_id: str) -> tuple[int, int]:
        """Message and lease number of an ack id.

        Raises:
            Refused: INVALID_ARGUMENT when this subscription gave no such id.
        """
        parts = ack_id.split(".")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
            raise self._unknown(ack_id)
        subscription, message, lease = map(int, parts)
        if subscription != self.number:
            raise self._unknown(ack_id)
        return message, lease

    def _unknown(self, ack_id: str) -> Refused:
        return invalid(f"Invalid ack id (ack_id={ack_id[:80]}): it is none of {self.name}'s")

    def detach(self) -> None:
        """Stop receiving: nothing is owed any more, and nothing may be pulled."""
        config = Subscription()
        config.CopyFrom(self.config)
        config.detached = True
        self.configure(config)
