"""Topics and publishing, as Google's clients see them on any server."""

import pytest
from google.api_core import exceptions

from tests.conformance.raw_requests import ONCE, publish_raw

# --- topics


def test_a_topic_can_be_created_read_listed_and_deleted(project):
    topic = project.topic()

    assert project.publisher.get_topic(topic=topic).name == topic
    assert [t.name for t in project.publisher.list_topics(project=project.name)] == [topic]
    project.publisher.delete_topic(topic=topic)

    with pytest.raises(exceptions.NotFound):
        project.publisher.get_topic(topic=topic, **ONCE)


def test_topics_are_listed_page_by_page(project):
    created = [project.topic(f"topic-{n}") for n in range(5)]

    pager = project.publisher.list_topics(request={"project": project.name, "page_size": 2})
    pages = [[topic.name for topic in page.topics] for page in pager.pages]

    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(name for page in pages for name in page) == created


def test_a_topic_cannot_be_created_twice(project):
    topic = project.topic()

    with pytest.raises(exceptions.AlreadyExists):
        project.publisher.create_topic(name=topic, **ONCE)


@pytest.mark.parametrize(
    "name", ["", "topic", "projects/p/topics/ab", "projects/p/topics/1abc", "projects/p/topics/a$b",
             "projects/p/topics/googles", "projects/p/topics/a/b", "projects/p/topics/" + "a" * 256]
)  # fmt: skip
def test_an_invalid_topic_name_is_rejected(project, name):
    with pytest.raises(exceptions.InvalidArgument, match=r"Invalid \[topics\] name"):
        project.publisher.create_topic(name=name, **ONCE)


def test_a_subscription_outlives_its_topic(project):
    topic = project.topic()
    subscription = project.subscription(topic)
    project.publish(topic, b"before")

    project.publisher.delete_topic(topic=topic)

    shown = project.subscriber.get_subscription(subscription=subscription)
    assert shown.topic == "_deleted-topic_"
    assert [r.message.data for r in project.pull(subscription)] == [b"before"]


# --- publishing


def test_publishing_to_an_unknown_topic_is_not_found(project):
    with pytest.raises(exceptions.NotFound):
        publish_raw(project, f"{project.name}/topics/none", [{"data": b"x"}])


@pytest.mark.parametrize(
    "messages", [[], [{}], [{"data": b"x"}, {"data": b""}], [{"data": b"x"}] * 1001],
    ids=["none", "empty", "one of two empty", "1001"],
)  # fmt: skip
def test_a_publish_request_outside_the_limits_is_rejected(project, messages):
    topic = project.topic()

    with pytest.raises(exceptions.InvalidArgument):
        publish_raw(project, topic, messages)


def test_a_thousand_messages_in_one_request_get_different_ids(project):
    topic = project.topic()
    subscription = project.subscription(topic)

    ids = publish_raw(project, topic, [{"data": b"%d" % n} for n in range(1000)])
    received = project.pull(subscription, 1000)

    assert len(set(ids)) == 1000
    assert {r.message.message_id: r.message.data for r in received} == {
        number: b"%d" % n for n, number in enumerate(ids)
    }


def test_a_message_of_ten_megabytes_arrives_whole(project, endpoint):
    topic = project.topic()
    project.subscription(topic, push_config={"push_endpoint": endpoint.url})
    data = bytes(range(250)) * 40_000

    publish_raw(project, topic, [{"data": data}])

    assert endpoint.wait_for(1)[0].data == data
