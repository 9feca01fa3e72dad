"""Create the topics, subscriptions and buckets of a platform, through Google's own clients."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.local.home import Home
from infra.local.layout import (
    BUCKETS,
    DEAD_LETTER_TOPIC,
    PROJECT,
    PUSH_ACCOUNT,
    PUSH_AUDIENCE,
    UPLOADS_TOPIC,
    Layout,
    bucket_name,
)
from infra.local.pubsub.secret import metadata

_SHORTEST_BACKOFF, _LONGEST_BACKOFF = 1, 60
_EVENT_DEADLINE_SECONDS = 600
_MUTABLE = ("push_config", "ack_deadline_seconds", "retry_policy", "dead_letter_policy")


def create_topics(layout: Layout, secret: str) -> None:
    """Create every topic and subscription, or bring them up to date."""
    from google.api_core.exceptions import AlreadyExists
    from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

    publisher, subscriber = PublisherClient(), SubscriberClient()
    allowed = metadata(secret)
    for topic in layout.topics():
        try:
            publisher.create_topic(name=_topic(topic), metadata=allowed)
        except AlreadyExists:
            continue
    wanted = list(_subscriptions(layout))
    for subscription in wanted:
        try:
            subscriber.create_subscription(request=subscription, metadata=allowed)
        except AlreadyExists:
            mask = {"paths": [field for field in _MUTABLE if field in subscription]}
            subscriber.update_subscription(
                request={"subscription": subscription, "update_mask": mask}, metadata=allowed
            )
    for name in _others(subscriber, {subscription["name"] for subscription in wanted}):
        subscriber.delete_subscription(subscription=name, metadata=allowed)


def push_endpoints(layout: Layout) -> tuple[str, ...]:
    """The endpoints of the platform's push subscriptions."""
    pushes = (wanted.get("push_config", {}) for wanted in _subscriptions(layout))
    return tuple(sorted({push["push_endpoint"] for push in pushes if push}))


def create_buckets() -> None:
    """Create every bucket that does not exist yet."""
    from google.api_core.exceptions import Conflict
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.storage import Client

    client = Client(project=PROJECT, credentials=AnonymousCredentials())
    for key in BUCKETS:
        try:
            client.create_bucket(bucket_name(key))
        except Conflict:
            continue


def _subscriptions(layout: Layout) -> Iterator[dict[str, Any]]:
    for function in layout.functions:
        for push in function.trigger.push:
            endpoint = f"{layout.url(function.name)}{push.path}"
            yield {
                **_push_subscription(
                    push.topic, function.name, endpoint, push.ack_deadline_seconds
                ),
                "dead_letter_policy": {
                    "dead_letter_topic": _topic(DEAD_LETTER_TOPIC),
                    "max_delivery_attempts": push.max_delivery_attempts,
                },
            }
    # No dead-letter topic: a notification is delivered until the function accepts the event.
    yield _push_subscription(
        UPLOADS_TOPIC,
        "eventarc",
        f"{layout.url('eventarc')}/uploads",
        _EVENT_DEADLINE_SECONDS,
    )
    yield {
        "name": _subscription(DEAD_LETTER_TOPIC),
        "topic": _topic(DEAD_LETTER_TOPIC),
        "ack_deadline_seconds": 60,
    }


def _push_subscription(
    topic: str, subscriber: str, endpoint: str, ack_deadline_seconds: int
) -> dict[str, Any]:
    return {
        "name": _subscription(f"{topic}-to-{subscriber}"),
        "topic": _topic(topic),
        "ack_deadline_seconds": ack_deadline_seconds,
        "push_config": {
            "push_endpoint": endpoint,
            "oidc_token": {
                "service_account_email": PUSH_ACCOUNT,
                "audience": PUSH_AUDIENCE,
            },
        },
        "retry_policy": {
            "minimum_backoff": {"seconds": _SHORTEST_BACKOFF},
            "maximum_backoff": {"seconds": _LONGEST_BACKOFF},
        },
    }


def _others(subscriber: Any, wanted: set[str]) -> Iterator[str]:
    """The push subscriptions of functions that no longer exist.

    Subscriptions that a user created do not push as our account, and stay.
    """
    for subscription in subscriber.list_subscriptions(project=f"projects/{PROJECT}"):
        ours = subscription.push_config.oidc_token.service_account_email == PUSH_ACCOUNT
        if ours and subscription.name not in wanted:
            yield subscription.name


def _topic(name: str) -> str:
    return f"projects/{PROJECT}/topics/{name}"


def _subscription(name: str) -> str:
    return f"projects/{PROJECT}/subscriptions/{name}"


def main() -> None:
    """Create the resources that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("topics", "buckets"))
    parser.add_argument("--home", type=Path, required=True)
    options = parser.parse_args()
    if options.what == "topics":
        home = Home.at(options.home)
        create_topics(Layout.read(home), home.secret(home.pubsub_secret))
    else:
        create_buckets()


if __name__ == "__main__":
    main()
