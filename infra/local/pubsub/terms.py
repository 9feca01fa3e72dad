"""A subscription's terms: what its configuration means for delivery."""

from dataclasses import dataclass

from infra.local.pubsub.wire import Pb, seconds

PUSH_BACKOFF = (0.1, 60.0)


@dataclass(frozen=True)
class Push:
    """Where and how messages are pushed."""

    endpoint: str
    account: str
    audience: str
    wrapped: bool
    with_metadata: bool


@dataclass(frozen=True)
class DeadLetter:
    """Where a message goes that cannot be delivered, and after how many attempts."""

    topic: str
    max_attempts: int


@dataclass(frozen=True)
class Terms:
    """What a subscription promises its subscriber."""

    ack_seconds: int
    retention_seconds: float
    retry: tuple[float, float] | None
    dead_letter: DeadLetter | None
    push: Push | None

    def wait_after(self, failures: int) -> float:
        """Seconds between the latest of `failures` failed deliveries and the next one."""
        if self.retry is None and self.push is None:
            return 0.0
        shortest, longest = self.retry or PUSH_BACKOFF
        if self.push is not None:
            # A minimum of 0 would turn a failing endpoint into a busy loop.
            shortest, longest = max(shortest, PUSH_BACKOFF[0]), max(longest, PUSH_BACKOFF[0])
        return float(min(longest, shortest * 2 ** min(failures - 1, 30)))

    def is_dead_after(self, failures: int) -> bool:
        """Whether a message that failed so often goes to the dead-letter topic."""
        return self.dead_letter is not None and failures >= self.dead_letter.max_attempts


def of(config: Pb) -> Terms:
    """Read the terms from a configuration that has been checked and completed."""
    return Terms(
        ack_seconds=config.ack_deadline_seconds,
        retention_seconds=seconds(config.message_retention_duration),
        retry=_retry(config) if config.HasField("retry_policy") else None,
        dead_letter=_dead_letter(config) if config.HasField("dead_letter_policy") else None,
        push=_push(config.push_config) if config.push_config.push_endpoint else None,
    )


def _retry(config: Pb) -> tuple[float, float]:
    policy = config.retry_policy
    return seconds(policy.minimum_backoff), seconds(policy.maximum_backoff)


def _dead_letter(config: Pb) -> DeadLetter:
    policy = config.dead_letter_policy
    return DeadLetter(policy.dead_letter_topic, policy.max_delivery_attempts)


def _push(config: Pb) -> Push:
    return Push(
        endpoint=config.push_endpoint,
        account=config.oidc_token.service_account_email,
        audience=config.oidc_token.audience or config.push_endpoint,
        wrapped=not config.HasField("no_wrapper"),
        with_metadata=config.no_wrapper.write_metadata,
    )
