"""Subscriptions and pushes, as Google's clients see them on any server."""

import time

import pytest
from google.api_core import exceptions

from tests.conformance.raw_requests import ONCE

# --- subscriptions


def test_a_subscription_has_googles_defaults(project):
    topic = project.topic()
    policy = {"retry_policy": {}, "dead_letter_policy": {"dead_letter_topic": topic}}

    name = project.subscription(topic, **policy)
    shown = project.subscriber.get_subscription(subscription=name)

    assert (shown.name, shown.topic) == (name, topic)
    assert shown.ack_deadline_seconds == 10
    assert shown.message_retention_duration.days == 7
    assert shown.retry_policy.minimum_backoff.total_seconds() == 10
    assert shown.retry_policy.maximum_backoff.total_seconds() == 600


def test_subscriptions_are_listed_by_project_and_by_topic(project):
    topic, other = project.topic("topic"), project.topic("other")
    created = [project.subscription(topic, f"subscription-{n}") for n in range(3)]
    elsewhere = project.subscription(other, "elsewhere")

    listed = project.subscriber.list_subscriptions(project=project.name)
    attached = project.publisher.list_topic_subscriptions(topic=topic)

    assert sorted(s.name for s in listed) == sorted([*created, elsewhere])
    assert sorted(attached) == created


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"ack_deadline_seconds": 601}, exceptions.InvalidArgument),
        ({"ack_deadline_seconds": -1}, exceptions.InvalidArgument),
        ({"message_retention_duration": {"seconds": 599}}, exceptions.InvalidArgument),
        ({"message_retention_duration": {"days": 32}}, exceptions.InvalidArgument),
        ({"retry_policy": {"minimum_backoff": {"seconds": 601}}}, exceptions.InvalidArgument),
        ({"retry_policy": {"maximum_backoff": {"seconds": 5}}}, exceptions.InvalidArgument),
        ({"dead_letter_policy": {"max_delivery_attempts": 4}}, exceptions.OutOfRange),
        ({"dead_letter_policy": {"max_delivery_attempts": 101}}, exceptions.OutOfRange),
        ({"dead_letter_policy": {"dead_letter_topic": "none"}}, exceptions.NotFound),
        ({"push_config": {"push_endpoint": "nowhere"}}, exceptions.InvalidArgument),
        ({"push_config": {"push_endpoint": "ftp://127.0.0.1/"}}, exceptions.InvalidArgument),
        ({"topic": "topic"}, exceptions.InvalidArgument),
        ({"topic": "projects/none/topics/none"}, exceptions.NotFound),
        ({"name": "subscription"}, exceptions.InvalidArgument),
    ],
    ids=str,
)
def test_a_subscription_with_an_invalid_configuration_is_rejected(project, fields, error):
    topic = project.topic()
    request = {"name": f"{project.name}/subscriptions/impossible", "topic": topic}
    if "dead_letter_policy" in fields:
        fields = {"dead_letter_policy": {"dead_letter_topic": topic} | fields["dead_letter_policy"]}
    if "days" in fields.get("message_retention_duration", {}):
        fields = {"message_retention_duration": {"seconds": 32 * 86400}}

    with pytest.raises(error):
        project.subscriber.create_subscription(request=request | fields, **ONCE)


def test_a_subscription_cannot_be_created_twice(project):
    topic = project.topic()
    project.subscription(topic)

    with pytest.raises(exceptions.AlreadyExists):
        project.subscription(topic)


def update(project, paths: list[str], **fields: object):
    request = {"subscription": fields, "update_mask": {"paths": paths}}
    return project.subscriber.update_subscription(request=request, **ONCE)


def test_an_update_changes_the_fields_of_its_mask_and_no_others(project):
    name = project.subscription(project.topic(), retry_policy={})
    fields = {"name": name, "ack_deadline_seconds": 77, "retry_policy": None}

    assert update(project, ["ack_deadline_seconds"], **fields).ack_deadline_seconds == 77
    assert "retry_policy" in project.subscriber.get_subscription(subscription=name)
    update(project, ["retry_policy"], **fields)

    shown = project.subscriber.get_subscription(subscription=name)
    assert "retry_policy" not in shown
    assert shown.ack_deadline_seconds == 77


@pytest.mark.parametrize(
    "paths", [[], ["none"], ["ackDeadlineSeconds"], ["topic"], ["name"], ["push_config.attributes"]]
)
def test_an_update_of_an_immutable_or_unknown_field_is_rejected(project, paths):
    name = project.subscription(project.topic())

    with pytest.raises(exceptions.InvalidArgument):
        update(project, paths, name=name, ack_deadline_seconds=20)


# --- pushing


def test_a_push_carries_the_message_in_googles_envelope(project, endpoint):
    topic = project.topic()
    push = {"push_endpoint": endpoint.url}
    subscription = project.subscription(topic, push_config=push)

    (number,) = project.publish(topic, b"\x00rows", table="jobs")
    (pushed,) = endpoint.wait_for(1)

    message = pushed.envelope["message"]
    assert pushed.path == "/push?from=test"
    assert pushed.headers["content-type"] == "application/json"
    assert pushed.envelope["subscription"] == subscription
    assert set(pushed.envelope) == {"message", "subscription"}
    assert (pushed.data, message["attributes"]) == (b"\x00rows", {"table": "jobs"})
    assert message["messageId"] == message["message_id"] == number
    assert message["publishTime"] == message["publish_time"]
    assert time.strptime(message["publishTime"][:19], "%Y-%m-%dT%H:%M:%S")
    assert message["publishTime"][19] == "."
    assert message["publishTime"].endswith("Z")


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_an_acknowledged_push_is_not_redelivered(project, endpoint, status):
    topic = project.topic()
    project.subscription(topic, push_config={"push_endpoint": endpoint.url})
    endpoint.answer = lambda n, pushed: status

    project.publish(topic, b"once")
    endpoint.wait_for(1)
    time.sleep(0.6)

    assert len(endpoint.pushes) == 1


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500])
def test_a_rejected_push_is_redelivered_until_it_is_acknowledged(project, endpoint, status):
    topic = project.topic()
    project.subscription(topic, push_config={"push_endpoint": endpoint.url})
    endpoint.answer = lambda n, pushed: status if n == 1 else 204

    (number,) = project.publish(topic, b"again")
    first, second = endpoint.wait_for(2)

    assert first.envelope == second.envelope
    assert first.envelope["message"]["messageId"] == number


def test_a_message_waiting_for_a_pull_is_pushed_once_there_is_an_endpoint(project, endpoint):
    topic = project.topic()
    subscription = project.subscription(topic)
    project.publish(topic, b"waiting")

    project.subscriber.modify_push_config(
        subscription=subscription, push_config={"push_endpoint": endpoint.url}
    )

    assert endpoint.wait_for(1)[0].data == b"waiting"


def test_without_an_endpoint_a_subscription_is_pulled_again(project, endpoint):
    topic = project.topic()
    subscription = project.subscription(topic, push_config={"push_endpoint": endpoint.url})

    project.subscriber.modify_push_config(subscription=subscription, push_config={})
    project.publish(topic, b"pulled")

    assert [r.message.data for r in project.pull(subscription)] == [b"pulled"]
    assert endpoint.pushes == []
