"""What our server preserves through kill -9, restarts and a full disk."""

import os
import queue
import random
import resource
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator

import grpc
import pytest
from google.api_core import exceptions
from google.pubsub_v1 import types
from google.pubsub_v1.services.publisher import PublisherClient

from tests.conformance import servers
from tests.conformance.projects import new_project


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that all tests kill in turn, each with its own project."""
    with servers.running(tmp_path_factory.mktemp("pubsub") / "pubsub.db") as server:
        yield server


@pytest.fixture
def fresh_server(tmp_path):
    """A server with its own data file."""
    with servers.running(tmp_path / "pubsub.db") as server:
        yield server


@pytest.fixture
def project(server):
    yield from project_on(server)


@pytest.fixture
def fresh_project(fresh_server):
    yield from project_on(fresh_server)


def project_on(server):
    clients = servers.connect(server.address)
    project = new_project(clients)
    yield project
    project.clients.close()


def restart(server, project) -> None:
    """Restart after kill -9 on the same port and file, with new clients."""
    server.kill()
    server.start()
    project.clients.close()
    project.clients = servers.connect(server.address)


def files(server) -> dict[str, int]:
    names = [server.data, *server.data.parent.glob(server.data.name + "-*")]
    return {path.name: path.stat().st_size for path in names}


def outstanding(server) -> tuple[int, int]:
    """How many messages and deliveries the database holds."""
    with sqlite3.connect(server.data) as connection:
        counts = "select (select count(*) from messages), (select count(*) from deliveries)"
        row = connection.execute(counts).fetchone()
    connection.close()
    return row


def test_a_message_of_a_disconnected_publisher_is_stored_and_delivered_or_neither(
    fresh_server, fresh_project
):
    # It was once only stored, and not delivered before the next start.
    topic = fresh_project.topic()
    subscription = fresh_project.subscription(topic)
    for _ in publish_and_disconnect(fresh_server, topic, 300):
        pass

    last = fresh_project.publish(topic, b"last")
    while received := fresh_project.pull(subscription):
        fresh_project.acknowledge(subscription, *received)
        if received[0].message.message_id == last[0]:
            break

    time.sleep(0.5)
    assert fresh_project.nothing_to_pull(subscription)
    assert outstanding(fresh_server) == (0, 0)


def test_a_message_of_a_disconnected_publisher_is_pushed_without_another_publish(
    fresh_server, fresh_project, endpoint
):
    topic = fresh_project.topic()
    fresh_project.subscription(topic, push_config={"push_endpoint": endpoint.url})

    # One by one, because the end of a push would also trigger the forgotten ones.
    for _ in publish_and_disconnect(fresh_server, topic, 100):
        assert drained(fresh_server)

    assert endpoint.pushes


def publish_and_disconnect(server, topic, times) -> Iterator[None]:
    """Publish, and cancel the call at a different moment before its response each time."""
    request = types.PublishRequest(topic=topic, messages=[types.PubsubMessage(data=b"left")])
    body = types.PublishRequest.serialize(request)
    with grpc.insecure_channel(server.address) as channel:
        publish = channel.unary_unary("/google.pubsub.v1.Publisher/Publish")
        for number in range(times):
            call = publish.future(body)
            time.sleep(0.00002 * (number % 100))
            call.cancel()
            yield


def test_a_published_message_survives_a_kill(server, project):
    topic = project.topic()
    subscription = project.subscription(topic)
    (number,) = project.publish(topic, b"kept", table="jobs")

    restart(server, project)

    message = project.pull(subscription)[0].message
    assert (message.data, message.message_id) == (b"kept", number)
    assert dict(message.attributes) == {"table": "jobs"}


def test_a_leased_message_is_redelivered_after_a_kill_and_an_acknowledged_one_is_not(
    server, project
):
    topic = project.topic()
    subscription = project.subscription(topic)
    project.publish(topic, b"done", b"leased")
    by_data = {r.message.data: r for r in project.pull(subscription, 2)}
    project.acknowledge(subscription, by_data[b"done"])

    restart(server, project)

    assert [r.message.data for r in project.pull(subscription)] == [b"leased"]
    assert project.nothing_to_pull(subscription)


def test_an_ack_id_given_before_a_kill_still_acknowledges(server, project):
    topic = project.topic()
    subscription = project.subscription(topic)
    project.publish(topic, b"done meanwhile")
    (received,) = project.pull(subscription)

    restart(server, project)
    project.acknowledge(subscription, received)

    assert project.nothing_to_pull(subscription)


def test_delivery_attempts_and_delivery_policies_survive_a_kill(server, project):
    topic, dead = project.topic("work"), project.topic("dead")
    graveyard = project.subscription(dead, "graveyard")
    policy = {"dead_letter_topic": dead, "max_delivery_attempts": 5}
    worker = project.subscription(topic, "worker", dead_letter_policy=policy)
    project.publish(topic, b"poison")

    attempts = []
    for n in range(5):
        (received,) = project.pull(worker)
        attempts.append(received.delivery_attempt)
        project.change_deadline(worker, 0, received)
        if n == 2:
            project.acknowledge(worker, *later(project, worker, topic))
            restart(server, project)

    assert attempts == [1, 2, 3, 4, 5]
    assert project.pull(graveyard)[0].message.data == b"poison"


def later(project, subscription, topic) -> list:
    """Publish another message and pull it; by then all earlier changes are written."""
    project.publish(topic, b"later")
    received = [r for r in project.pull(subscription, 2) if r.message.data == b"later"]
    assert received
    return received


def test_a_backoff_continues_after_a_kill(server, project, endpoint):
    def pushes(data: bytes) -> list[float]:
        return [pushed.at for pushed in list(endpoint.pushes) if pushed.data == data]

    def publish(data: bytes, backoff_seconds: int) -> None:
        topic = project.topic(f"topic-{data.decode()}")
        retry = {"minimum_backoff": {"seconds": backoff_seconds}}
        push = {"push_endpoint": endpoint.url}
        name = f"subscription-{data.decode()}"
        project.subscription(topic, name, push_config=push, retry_policy=retry)
        project.publish(topic, data)

    # The first push of each message is nacked.
    endpoint.answer = lambda n, pushed: 503 if len(pushes(pushed.data)) == 1 else 204
    publish(b"before", 4)
    endpoint.wait_for(1)
    time.sleep(2.5)
    restart(server, project)
    publish(b"after", 3)
    endpoint.wait_for(4)

    first, again = pushes(b"before")
    assert again - first > 3.9
    # A backoff that started again with the server would end after the other one.
    assert again < pushes(b"after")[1]


def test_a_push_endpoint_gets_after_a_kill_what_it_missed(server, project, endpoint):
    topic = project.topic()
    retry = {"minimum_backoff": {"nanos": 100_000_000}, "maximum_backoff": {"seconds": 1}}
    push = {"push_endpoint": endpoint.url}
    project.subscription(topic, push_config=push, retry_policy=retry)
    endpoint.answer = lambda n, pushed: 503
    sent = {b"%d" % n for n in range(20)}
    project.publish(topic, *sent)
    endpoint.wait_for(1)

    server.kill()
    endpoint.answer = lambda n, pushed: 204
    started = time.monotonic()
    server.start()
    deadline = started + 60
    arrived: set[bytes] = set()
    while arrived != sent and time.monotonic() < deadline:
        time.sleep(0.05)
        arrived = {pushed.data for pushed in list(endpoint.pushes) if pushed.at > started}

    assert arrived == sent


def test_every_confirmed_publish_arrives_whenever_the_server_is_killed(
    fresh_server, fresh_project, endpoint
):
    topic = fresh_project.topic()
    fresh_project.subscription(topic, push_config={"push_endpoint": endpoint.url})
    answered: dict[str, bytes] = {}
    over = threading.Event()
    publishers = [
        threading.Thread(target=publish_until, args=(over, fresh_project, topic, answered, n))
        for n in range(4)
    ]
    dice = random.Random(7)

    for thread in publishers:
        thread.start()
    for kills in range(5):
        while len(answered) < (kills + 1) * 40:
            time.sleep(0.01)
        time.sleep(dice.uniform(0.0, 0.1))
        fresh_server.kill()
        fresh_server.start()
    over.set()
    for thread in publishers:
        thread.join()
    arrived = await_arrival(endpoint, answered)

    assert [number for number, data in answered.items() if arrived.get(number) != data] == []
    assert drained(fresh_server)


def publish_until(over, project, topic, answered, who) -> None:
    count = 0
    while not over.is_set():
        data = b"%d-%d" % (who, count) * 200
        request = {"topic": topic, "messages": [{"data": data}]}
        try:
            response = PublisherClient.publish(project.publisher, request, retry=None, timeout=2)
        except exceptions.GoogleAPICallError:
            time.sleep(0.02)
            continue
        answered[response.message_ids[0]] = data
        count += 1


def await_arrival(endpoint, answered) -> dict[str, bytes]:
    deadline = time.monotonic() + 60
    while True:
        pushes = list(endpoint.pushes)
        arrived = {pushed.envelope["message"]["messageId"]: pushed.data for pushed in pushes}
        if answered.keys() <= arrived.keys() or time.monotonic() > deadline:
            return arrived
        time.sleep(0.05)


def drained(server) -> bool:
    """Whether the database ends up with no message and no delivery."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if outstanding(server) == (0, 0):
            return True
        time.sleep(0.05)
    return False


def test_message_ids_are_never_reused(server, project):
    topic = project.topic()
    ids = project.publish(topic, b"nobody subscribes")

    for _ in range(2):
        restart(server, project)
        ids += project.publish(topic, b"nobody subscribes")

    assert sorted(set(ids), key=int) == ids


def test_the_database_file_shrinks_after_a_backlog(fresh_server, fresh_project):
    topic = fresh_project.topic()
    subscription = fresh_project.subscription(topic)
    data = os.urandom(100_000)

    # 20 MB a round; without checkpoints the write-ahead log alone would hold all six.
    for _ in range(6):
        fresh_project.publish(topic, *[data] * 200)
        received = []
        while len(received) < 200:
            received += fresh_project.pull(subscription, 20)
        assert sum(files(fresh_server).values()) < 100_000_000
        fresh_project.acknowledge(subscription, *received)
        assert drained(fresh_server)

    # The file is small before its first checkpoint, too.
    deadline = time.monotonic() + 60
    while files(fresh_server)["pubsub.db"] > 12_000_000 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert files(fresh_server)["pubsub.db"] < 12_000_000


def test_deleting_a_subscription_deletes_its_deliveries(fresh_server, fresh_project):
    topic = fresh_project.topic()
    remaining, deleted = (
        fresh_project.subscription(topic, "kept"),
        fresh_project.subscription(topic, "gone"),
    )
    fresh_project.publish(topic, b"one", b"two")

    fresh_project.subscriber.delete_subscription(subscription=deleted)
    assert outstanding(fresh_server) == (2, 2)
    fresh_project.acknowledge(remaining, *fresh_project.pull(remaining, 2))

    assert outstanding(fresh_server) == (0, 0)


def test_a_configuration_survives_a_restart(server, project):
    topic = project.topic()
    name = project.subscription(topic, ack_deadline_seconds=42, labels={"a": "b"})
    project.publisher.update_topic(
        request={
            "topic": {"name": topic, "labels": {"c": "d"}},
            "update_mask": {"paths": ["labels"]},
        }
    )
    before = project.subscriber.get_subscription(subscription=name)

    restart(server, project)

    assert project.subscriber.get_subscription(subscription=name) == before
    assert dict(project.publisher.get_topic(topic=topic).labels) == {"c": "d"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_clean_and_asks_a_streaming_subscriber_to_retry(server, project, number):
    topic = project.topic()
    first = {"subscription": project.subscription(topic), "stream_ack_deadline_seconds": 10}
    requests: queue.SimpleQueue = queue.SimpleQueue()
    requests.put(types.StreamingPullRequest(**first))
    # Longer than a stop may take.
    responses = project.subscriber.streaming_pull(iter(requests.get, None), timeout=120)
    project.publish(topic, b"before")
    assert next(responses).received_messages[0].message.data == b"before"

    code = server.stop(number)
    left = set(files(server))
    with pytest.raises(exceptions.ServiceUnavailable, match="the server is stopping"):
        next(responses)
    requests.put(None)
    server.start()

    assert (code, left) == (0, {"pubsub.db"})
    assert [line for line in server.log_lines if "ERROR" in line or "Traceback" in line] == []


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
def test_a_publish_that_cannot_be_stored_fails_and_succeeds_once_there_is_space(
    fresh_server, fresh_project
):
    topic = fresh_project.topic()
    subscription = fresh_project.subscription(topic)
    request = {"topic": topic, "messages": [{"data": os.urandom(2_000_000)}]}

    full = (1_000_000, resource.RLIM_INFINITY)
    resource.prlimit(fresh_server.pid, resource.RLIMIT_FSIZE, full)
    with pytest.raises(exceptions.ServiceUnavailable, match="publish was not stored"):
        PublisherClient.publish(fresh_project.publisher, request, retry=None, timeout=10)
    assert fresh_project.nothing_to_pull(subscription)
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(fresh_server.pid, resource.RLIMIT_FSIZE, unlimited)
    PublisherClient.publish(fresh_project.publisher, request, retry=None, timeout=10)

    (received,) = fresh_project.pull(subscription)
    assert received.message.data == request["messages"][0]["data"]
