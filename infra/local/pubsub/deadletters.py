"""What a message looks like when it arrives at a dead-letter topic."""

from datetime import UTC, datetime

from infra.local.pubsub import names
from infra.local.pubsub.wire import Pb, PubsubMessage


def letter(body: bytes, subscription: str, attempts: int) -> Pb:
    """The message to publish in place of one that could not be delivered."""
    message = PubsubMessage.FromString(body)
    published = datetime.fromtimestamp(message.publish_time.ToMilliseconds() / 1000, UTC)
    source = {
        "CloudPubSubDeadLetterSourceDeliveryCount": str(attempts),
        "CloudPubSubDeadLetterSourceSubscription": subscription.split("/")[3],
        "CloudPubSubDeadLetterSourceSubscriptionProject": names.project_of(subscription),
        "CloudPubSubDeadLetterSourceTopicPublishTime": published.isoformat(timespec="milliseconds"),
    }
    message.attributes.update(source)
    return message
