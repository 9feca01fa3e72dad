"""What the broker wants remembered, said in SQL."""

from infra.local.pubsub.journal import Journal, Statement
from infra.local.pubsub.statements import STATEMENTS
from infra.local.pubsub.wire import Pb


class Records:
    """Builds the statements for each thing that happens and hands them to the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def save_topic(self, config: Pb) -> None:
        """Keep a topic, new or changed."""
        row = (config.name, config.SerializeToString())
        await self._journal.write((STATEMENTS["save_topic"], [row]))

    async def delete_topic(self, name: str, orphans: list[tuple[int, Pb]]) -> None:
        """Forget a topic; its subscriptions are kept as `orphans` say."""
        rows = [(number, config.name, config.SerializeToString()) for number, config in orphans]
        await self._journal.write(
            (STATEMENTS["delete_topic"], [(name,)]), (STATEMENTS["save_subscription"], rows)
        )

    async def save_subscription(self, number: int, config: Pb) -> None:
        """Keep a subscription, new or changed."""
        row = (number, config.name, config.SerializeToString())
        await self._journal.write((STATEMENTS["save_subscription"], [row]))

    async def delete_subscription(self, number: int) -> None:
        """Forget a subscription with all it was owed, but for bodies nobody else waits for."""
        await self._journal.write(
            (STATEMENTS["delete_subscription"], [(number,)]),
            (STATEMENTS["delete_deliveries_of_subscription"], [(number,)]),
        )

    async def detach_subscription(self, number: int, config: Pb) -> None:
        """Keep a subscription that is owed nothing any more."""
        await self._journal.write(
            (STATEMENTS["save_subscription"], [(number, config.name, config.SerializeToString())]),
            (STATEMENTS["delete_deliveries_of_subscription"], [(number,)]),
        )

    async def publish(
        self, bodies: list[tuple[int, int, bytes]], subscriptions: list[int], *more: Statement
    ) -> None:
        """Keep messages (number, published_ms, body) for subscriptions, synced to the disk."""
        await self._journal.write(
            (
                STATEMENTS["insert_message"],
                [(number, published_ms, len(body), body) for number, published_ms, body in bodies],
            ),
            (
                STATEMENTS["insert_delivery"],
                [(subscription, body[0]) for subscription in subscriptions for body in bodies],
            ),
            *more,
        )

    async def settle(self, subscription: int, settled: list[int], unheld: list[int]) -> None:
        """Keep that deliveries are over, and drop the messages that nobody waits for."""
        await self._journal.write(*settlement(subscription, settled, unheld), synced=False)

    def note_settled(self, subscription: int, settled: list[int], unheld: list[int]) -> None:
        """As `settle`, without waiting for it."""
        self._journal.note(*settlement(subscription, settled, unheld))

    def note_failure(
        self, subscription: int, message: int, failures: int, not_before_ms: int
    ) -> None:
        """Keep how often a delivery has failed and when it may be tried again."""
        row = (failures, not_before_ms, subscription, message)
        self._journal.note((STATEMENTS["record_failure"], [row]))


def settlement(subscription: int, settled: list[int], unheld: list[int]) -> list[Statement]:
    """The statements that end deliveries and drop the messages nobody waits for."""
    return [
        (STATEMENTS["delete_delivery"], [(subscription, number) for number in settled]),
        (STATEMENTS["delete_message"], [(number,) for number in unheld]),
    ]
