"""What a subscription's configuration means for delivery: deadlines, retries, dead letters."""

from dataclasses import dataclass

from infra.local.pubsub.wire import Pb, seconds

DEFAULT_PUSH_BACKOFF = (0.1, 60.0)


@dataclass(frozen=True)
class PushConfig:
    """Where and how messages are pushed.

    Attributes:
        endpoint: the URL.
        account: the service account of identity tokens, or "" to push without a token.
        audience: who the tokens are for.
        wrapped: whether the body is Google's JSON envelope, instead of the message's data alone.
        with_metadata: whether an unwrapped push has the message's metadata in its headers.
    """

    endpoint: str
    account: str
    audience: str
    wrapped: bool
    with_metadata: bool


@dataclass(frozen=True)
class DeadLetterPolicy:
    """The topic for messages that cannot be delivered, and after how many attempts."""

    topic: str
    max_attempts: int


@dataclass(frozen=True)
class DeliveryPolicy:
    """How messages are delivered to one subscription.

    Attributes:
        ack_seconds: the acknowledgement deadline.
        retention_seconds: after this time an undelivered message expires.
        backoff: the shortest and longest wait before a retry, in seconds, if configured.
        dead_letter: None if messages are retried until they expire.
        push: None if messages are pulled.
    """

    ack_seconds: int
    retention_seconds: float
    backoff: tuple[float, float] | None
    dead_letter: DeadLetterPolicy | None
    push: PushConfig | None

    def backoff_seconds(self, failures: int) -> float:
        """How long to wait for the next attempt after so many failed ones."""
        if self.backoff is None and self.push is None:
            return 0.0
        shortest, longest = self.backoff or DEFAULT_PUSH_BACKOFF
        if self.push is not None:
            # A minimum of 0 would turn a failing endpoint into a busy loop.
            floor = DEFAULT_PUSH_BACKOFF[0]
            shortest, longest = max(shortest, floor), max(longest, floor)
        return float(min(longest, shortest * 2 ** min(failures - 1, 30)))

    def is_exhausted(self, failures: int) -> bool:
        """Whether a message that failed so often goes to the dead-letter topic."""
        return self.dead_letter is not None and failures >= self.dead_letter.max_attempts


def delivery_policy(config: Pb) -> DeliveryPolicy:
    """Read the policy from a configuration that has been checked and completed."""
    return DeliveryPolicy(
        ack_seconds=config.ack_deadline_seconds,
        retention_seconds=seconds(config.message_retention_duration),
        backoff=_backoff(config) if config.HasField("retry_policy") else None,
        dead_letter=_dead_letter(config) if config.HasField("dead_letter_policy") else None,
        push=_push(config.push_config) if config.push_config.push_endpoint else None,
    )


def _backoff(config: Pb) -> tuple[float, float]:
    policy = config.retry_policy
    return seconds(policy.minimum_backoff), seconds(policy.maximum_backoff)


def _dead_letter(config: Pb) -> DeadLetterPolicy:
    policy = config.dead_letter_policy
    return DeadLetterPolicy(policy.dead_letter_topic, policy.max_delivery_attempts)


def _push(config: Pb) -> PushConfig:
    return PushConfig(
        endpoint=config.push_endpoint,
        account=config.oidc_token.service_account_email,
        audience=config.oidc_token.audience or config.push_endpoint,
        wrapped=not config.HasField("no_wrapper"),
        with_metadata=config.no_wrapper.write_metadata,
    )
