"""Streams, rejected requests, the process: what Google's service does and its emulator does not."""

import json
import queue
import time

import psutil
import pytest
from google.api_core import exceptions
from google.pubsub_v1 import types
from google.pubsub_v1.services.publisher import PublisherClient

from tests.conformance import servers
from tests.conformance.ours.push_config import pushing
from tests.conformance.projects import new_project
from tests.conformance.raw_requests import ONCE

# --- streams


def test_a_stream_holds_no_more_than_its_client_allows(project):
    topic = project.topic()
    subscription = project.subscription(topic)
    project.publish(topic, *(b"%d" % n for n in range(6)))
    requests: queue.SimpleQueue = queue.SimpleQueue()
    first = {"subscription": subscription, "stream_ack_deadline_seconds": 10}
    requests.put(types.StreamingPullRequest(**first, max_outstanding_messages=2))

    responses = project.subscriber.streaming_pull(iter(requests.get, None), timeout=10)
    held = list(next(responses).received_messages)
    elsewhere = project.pull(subscription, 3)
    requests.put(types.StreamingPullRequest(ack_ids=[held[0].ack_id]))
    more = list(next(responses).received_messages)
    responses.cancel()
    requests.put(None)

    assert [len(held), len(elsewhere), len(more)] == [2, 3, 1]


def test_a_stream_ends_when_its_subscription_is_deleted(project):
    subscription = project.subscription(project.topic())
    requests: queue.SimpleQueue = queue.SimpleQueue()
    first = {"subscription": subscription, "stream_ack_deadline_seconds": 10}
    requests.put(types.StreamingPullRequest(**first))
    responses = project.subscriber.streaming_pull(iter(requests.get, None), timeout=10)

    project.subscriber.delete_subscription(subscription=subscription)
    requests.put(types.StreamingPullRequest())

    with pytest.raises(exceptions.NotFound):
        next(responses)
    requests.put(None)


def test_a_detached_subscription_neither_delivers_nor_receives_messages(project):
    topic = project.topic()
    subscription = project.subscription(topic)
    project.publish(topic, b"dropped")

    project.publisher.detach_subscription(request={"subscription": subscription})

    assert project.subscriber.get_subscription(subscription=subscription).detached
    assert list(project.publisher.list_topic_subscriptions(topic=topic)) == []
    with pytest.raises(exceptions.FailedPrecondition):
        project.subscriber.pull(subscription=subscription, max_messages=1, **ONCE)


# --- rejected requests


@pytest.mark.parametrize(
    "field",
    [
        {"filter": 'attributes.table = "jobs"'},
        {"enable_message_ordering": True},
        {"enable_exactly_once_delivery": True},
        {"retain_acked_messages": True},
        {"bigquery_config": {"table": "p.d.t"}},
        {"expiration_policy": {"ttl": {"seconds": 86400}}},
    ],
    ids=lambda field: next(iter(field)),
)
def test_an_unsupported_field_that_changes_delivery_is_rejected_by_name(project, field):
    topic = project.topic()

    with pytest.raises(exceptions.MethodNotImplemented, match=next(iter(field))):
        project.subscription(topic, **field)


def test_a_topic_with_a_schema_is_rejected_by_name(project):
    request = {"name": f"{project.name}/topics/typed", "schema_settings": {"encoding": "JSON"}}

    with pytest.raises(exceptions.MethodNotImplemented, match="schema_settings"):
        project.publisher.create_topic(request=request, **ONCE)


@pytest.mark.parametrize(
    "attributes",
    [
        {"": "x"},
        {"k" * 257: "x"},
        {"k": "x" * 1025},
        {"google": "x"},
        {f"k{n}": "x" for n in range(101)},
    ],
    ids=["empty key", "long key", "long value", "reserved key", "101 of them"],
)
def test_attributes_beyond_googles_limits_are_rejected(project, attributes):
    message = {"data": b"x", "attributes": attributes}
    request = {"topic": project.topic(), "messages": [message]}

    with pytest.raises(exceptions.InvalidArgument, match=r"messages\[0\].attributes"):
        PublisherClient.publish(project.publisher, request=request, **ONCE)


def test_a_request_over_ten_megabytes_is_rejected(project):
    request = {"topic": project.topic(), "messages": [{"data": b"x" * (10 * 1024 * 1024)}]}

    with pytest.raises(exceptions.InvalidArgument, match="10485760 bytes"):
        PublisherClient.publish(project.publisher, request=request, **ONCE)


def test_an_ack_id_of_another_subscription_is_rejected(project):
    topic = project.topic()
    one, other = project.subscription(topic, "one"), project.subscription(topic, "other")
    project.publish(topic, b"x")

    with pytest.raises(exceptions.InvalidArgument, match="Invalid ack id"):
        project.acknowledge(other, *project.pull(one))


# --- the process


def test_an_idle_server_uses_no_cpu_time(project, server, endpoint):
    topic = project.topic()
    project.subscription(topic, push_config={"push_endpoint": endpoint.url})
    project.publish(topic, b"last")
    endpoint.wait_for(1)
    time.sleep(0.8)
    process = psutil.Process(server.pid)

    def share() -> float:
        """The CPU time that it uses while others may use one second."""
        before = process.cpu_times()
        time.sleep(1)
        after = process.cpu_times()
        return after.user + after.system - before.user - before.system

    # An answer to an earlier test may still be due in one of these seconds, but not in all.
    assert any(share() < 0.025 for _ in range(5))


@pytest.mark.slow
def test_a_push_without_an_answer_by_the_deadline_has_failed(slow_endpoint):
    # The first push is not answered before the second one arrives.
    first, second = slow_endpoint.wait_for(2)

    assert first.data == second.data == b"slow"
    # Its deadline is 10 s; without one, its lease would end after 40 s.
    assert 9 < second.at - first.at < 30


def test_the_log_is_json_without_content_of_messages(tmp_path, endpoint):
    secret = b"a-secret-in-a-row"
    with servers.running(tmp_path / "pubsub.db") as server:
        clients = servers.connect(server.address)
        project = new_project(clients)
        topic = project.topic()
        project.subscription(topic, **pushing(endpoint, 0.1, 0.1))
        endpoint.answer = lambda n, pushed: 500 if n < 3 else 204
        project.publish(topic, secret, table=secret.decode())
        endpoint.wait_for(3)
        clients.close()

    lines = [json.loads(line) for line in server.log_lines]
    assert [line["reason"] for line in lines if line["message"] == "push failed"] == [
        "status 500",
        "status 500",
    ]
    assert secret.decode() not in "".join(server.log_lines)
    assert lines[-1]["message"] == "stopped"
