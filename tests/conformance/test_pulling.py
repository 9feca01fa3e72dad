"""Pulling and streaming, as Google's clients see them on any server."""

import queue
import threading
import time
from contextlib import contextmanager

import pytest
from google.api_core import exceptions
from google.pubsub_v1 import types

from tests.conformance.raw_requests import ONCE

# --- pulling


def test_a_message_is_pulled_with_its_data_and_attributes(project):
    topic = project.topic()
    subscription = project.subscription(topic)
    before = time.time()

    (number,) = project.publish(topic, "grün".encode(), table="jobs")
    (received,) = project.pull(subscription)

    message = received.message
    assert (message.data.decode(), dict(message.attributes)) == ("grün", {"table": "jobs"})
    assert message.message_id == number
    assert before - 1 < message.publish_time.timestamp() < time.time() + 1
    assert received.delivery_attempt == 0


def test_an_acknowledged_message_is_not_redelivered(project):
    topic = project.topic()
    subscription = project.subscription(topic)
    project.publish(topic, b"once")

    (received,) = project.pull(subscription)
    project.change_deadline(subscription, 1, received)
    project.acknowledge(subscription, received)
    time.sleep(1.5)

    assert project.nothing_to_pull(subscription)


def test_a_nacked_message_is_redelivered_at_once(project):
    topic = project.topic()
    subscription = project.subscription(topic)
    project.publish(topic, b"twice")

    (first,) = project.pull(subscription)
    project.change_deadline(subscription, 0, first)
    (second,) = project.pull(subscription)

    assert second.message == first.message
    assert second.ack_id != first.ack_id


def test_a_message_not_acknowledged_in_time_is_redelivered(project):
    topic = project.topic()
    subscription = project.subscription(topic)
    project.publish(topic, b"late")

    (first,) = project.pull(subscription)
    assert project.nothing_to_pull(subscription)
    project.change_deadline(subscription, 1, first)
    (second,) = project.pull(subscription)

    assert second.message.data == b"late"


def test_each_subscription_gets_messages_published_after_its_creation(project):
    topic = project.topic()
    early = project.subscription(topic, "early")
    project.publish(topic, b"one")
    late = project.subscription(topic, "late")
    project.publish(topic, b"two")

    assert sorted(r.message.data for r in project.pull(early, 2)) == [b"one", b"two"]
    assert [r.message.data for r in project.pull(late)] == [b"two"]
    assert project.nothing_to_pull(late)


def test_a_pull_waits_for_a_message(project):
    topic = project.topic()
    subscription = project.subscription(topic)
    publishing = threading.Timer(0.5, project.publish, (topic, b"now"))

    publishing.start()
    request = {"subscription": subscription, "max_messages": 1}
    response = project.subscriber.pull(request=request, **ONCE)
    publishing.join()

    assert [r.message.data for r in response.received_messages] == [b"now"]


def test_a_pull_from_an_empty_subscription_ends_with_an_empty_response(project):
    subscription = project.subscription(project.topic())

    response = project.subscriber.pull(subscription=subscription, max_messages=1, timeout=2.5)

    assert list(response.received_messages) == []


def test_pulling_zero_messages_is_rejected(project):
    subscription = project.subscription(project.topic())

    with pytest.raises(exceptions.InvalidArgument):
        project.subscriber.pull(subscription=subscription, max_messages=0, **ONCE)


@pytest.mark.parametrize("ack_ids", [[], ["bogus"]], ids=["none", "bogus"])
def test_unknown_ack_ids_are_rejected(project, ack_ids):
    subscription = project.subscription(project.topic())

    with pytest.raises(exceptions.InvalidArgument):
        project.subscriber.acknowledge(subscription=subscription, ack_ids=ack_ids, **ONCE)
    with pytest.raises(exceptions.InvalidArgument):
        request = {"subscription": subscription, "ack_ids": ack_ids, "ack_deadline_seconds": 10}
        project.subscriber.modify_ack_deadline(request=request, **ONCE)


def test_a_subscription_that_does_not_exist_is_not_found(project):
    none = f"{project.name}/subscriptions/none"
    subscriber = project.subscriber

    for call in (
        lambda: subscriber.get_subscription(subscription=none, **ONCE),
        lambda: subscriber.pull(subscription=none, max_messages=1, **ONCE),
        lambda: subscriber.acknowledge(subscription=none, ack_ids=["x"], **ONCE),
        lambda: subscriber.modify_push_config(subscription=none, push_config={}, **ONCE),
        lambda: subscriber.delete_subscription(subscription=none, **ONCE),
    ):
        with pytest.raises(exceptions.NotFound):
            call()


def test_seeking_to_the_future_drops_all_messages(project):
    topic = project.topic()
    subscription = project.subscription(topic)
    project.publish(topic, b"old", b"older")

    target = {"seconds": int(time.time()) + 60}
    project.subscriber.seek(request={"subscription": subscription, "time": target})

    assert project.nothing_to_pull(subscription)


# --- streaming


@contextmanager
def subscribed(project, subscription: str, callback, **options):
    """Google's own streaming subscriber, running."""
    future = project.subscriber.subscribe(subscription, callback, **options)
    try:
        yield
    finally:
        future.cancel()
        future.result(10)


def test_a_streaming_subscriber_gets_every_message(project):
    topic = project.topic()
    subscription = project.subscription(topic)
    messages: queue.SimpleQueue = queue.SimpleQueue()
    sent = {b"%d" % n for n in range(300)}

    with subscribed(project, subscription, lambda m: (m.ack(), messages.put(m.data))):
        project.publish(topic, *sent)
        arrived = {messages.get(timeout=10) for _ in sent}

    assert arrived == sent


def test_a_message_nacked_on_a_stream_is_redelivered(project):
    topic = project.topic()
    subscription = project.subscription(topic)
    seen: queue.SimpleQueue = queue.SimpleQueue()
    nack = iter([True, False])

    def decide(message) -> None:
        message.nack() if next(nack) else message.ack()
        seen.put(message.message_id)

    with subscribed(project, subscription, decide):
        (number,) = project.publish(topic, b"again")
        arrived = [seen.get(timeout=10), seen.get(timeout=10)]

    assert arrived == [number, number]


def open_stream(project, **first: object):
    """A raw stream, and its queue of requests; None in the queue closes the client's side."""
    requests: queue.SimpleQueue = queue.SimpleQueue()
    requests.put(types.StreamingPullRequest(**first))
    return project.subscriber.streaming_pull(iter(requests.get, None), timeout=5), requests


def test_a_stream_of_an_unknown_subscription_is_not_found(project):
    name = f"{project.name}/subscriptions/none"
    responses, requests = open_stream(project, subscription=name, stream_ack_deadline_seconds=10)

    with pytest.raises(exceptions.NotFound):
        next(responses)
    requests.put(None)


def test_a_stream_with_a_deadline_out_of_range_is_rejected(project):
    name = project.subscription(project.topic())
    responses, requests = open_stream(project, subscription=name, stream_ack_deadline_seconds=5)

    with pytest.raises(exceptions.InvalidArgument):
        next(responses)
    requests.put(None)
