"""Backoff, dead letters and pushes: what Google's service does and its emulator does not."""

import queue
import threading
import time
from itertools import pairwise

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core import exceptions
from google.auth import jwt
from google.pubsub_v1 import types

from tests.conformance import servers
from tests.conformance.ours.push_config import ACCOUNT, pushing
from tests.conformance.projects import Project, new_project, utc
from tests.conformance.raw_requests import ONCE

# --- backoff


def backoffs(project, endpoint, count, **limits):
    """How long each of so many nacked pushes took to come again."""
    topic = project.topic()
    project.subscription(topic, **pushing(endpoint, **limits))
    endpoint.answer = lambda n, pushed: 500 if n <= count else 204
    project.publish(topic, b"again")
    times = [pushed.at for pushed in endpoint.wait_for(count + 1)]
    return [after - before for before, after in pairwise(times)]


def test_a_nacked_push_is_redelivered_after_the_minimum_backoff(project, endpoint):
    (wait,) = backoffs(project, endpoint, 1, minimum=0.4)

    # A subscription without a minimum waits ten seconds.
    assert 0.38 < wait < 9


def test_the_backoff_doubles_up_to_its_maximum(project, endpoint):
    waits = backoffs(project, endpoint, 7, minimum=0.1, maximum=0.4)

    for wait, least in zip(waits, (0.1, 0.2, *[0.4] * 5), strict=True):
        assert wait > 0.95 * least
    # Doubled without a maximum, the last one would be 6.4 s.
    assert waits[-1] < 6


def test_a_message_nacked_on_a_pull_waits_for_its_backoff_too(project, endpoint):
    topic = project.topic()
    retry = pushing(endpoint, minimum=0.5)["retry_policy"]
    subscription = project.subscription(topic, retry_policy=retry)

    def backoff():
        project.publish(topic, b"again")
        received = project.pull(subscription)
        before = time.monotonic()
        project.change_deadline(subscription, 0, *received)
        (again,) = project.pull(subscription)
        project.acknowledge(subscription, again)
        return time.monotonic() - before

    # A subscription without a minimum waits ten seconds.
    assert 0.48 < backoff() < 9


def test_an_endpoint_that_was_down_gets_its_messages_once_it_is_up(project, endpoint):
    topic = project.topic()
    subscription = project.subscription(
        topic, push_config={"push_endpoint": f"http://127.0.0.1:{servers.free_port()}/"}
    )

    project.publish(topic, b"patient")
    time.sleep(0.5)
    project.subscriber.modify_push_config(
        subscription=subscription, push_config={"push_endpoint": endpoint.url}
    )

    assert endpoint.wait_for(1)[0].data == b"patient"


# --- dead letters


def test_a_message_that_fails_five_times_goes_to_the_dead_letter_topic(project, endpoint):
    topic, dead = project.topic("work"), project.topic("dead")
    graveyard = project.subscription(dead, "graveyard")
    policy = {"dead_letter_topic": dead, "max_delivery_attempts": 5}
    config = pushing(endpoint, 0.1, 0.1, dead_letter_policy=policy)
    project.subscription(topic, "worker", **config)
    endpoint.answer = lambda n, pushed: 500

    (number,) = project.publish(topic, b"poison", table="jobs")
    (received,) = project.pull(graveyard)
    time.sleep(0.4)

    attributes = dict(received.message.attributes)
    published = attributes.pop("CloudPubSubDeadLetterSourceTopicPublishTime")
    assert [pushed.envelope["deliveryAttempt"] for pushed in endpoint.pushes] == [1, 2, 3, 4, 5]
    assert received.message.data == b"poison"
    assert received.message.message_id != number
    assert published[:19] == endpoint.pushes[0].envelope["message"]["publishTime"][:19]
    assert attributes == {
        "table": "jobs",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
        "CloudPubSubDeadLetterSourceSubscription": "worker",
        "CloudPubSubDeadLetterSourceSubscriptionProject": project.name.removeprefix("projects/"),
    }


def test_a_pulled_message_has_its_delivery_attempt_and_is_dead_lettered_after_the_last(project):
    topic, dead = project.topic("work"), project.topic("dead")
    graveyard = project.subscription(dead, "graveyard")
    policy = {"dead_letter_topic": dead, "max_delivery_attempts": 5}
    worker = project.subscription(topic, "worker", dead_letter_policy=policy)
    project.publish(topic, b"poison")

    attempts = []
    for _ in range(5):
        (received,) = project.pull(worker)
        attempts.append(received.delivery_attempt)
        project.change_deadline(worker, 0, received)

    assert attempts == [1, 2, 3, 4, 5]
    assert project.pull(graveyard)[0].message.data == b"poison"
    assert project.nothing_to_pull(worker)


def test_a_message_stays_while_its_dead_letter_topic_is_missing(project):
    topic, dead = project.topic("work"), project.topic("dead")
    policy = {"dead_letter_topic": dead, "max_delivery_attempts": 5}
    worker = project.subscription(topic, "worker", dead_letter_policy=policy)
    project.publisher.delete_topic(topic=dead)
    project.publish(topic, b"poison")

    for _ in range(6):
        (received,) = project.pull(worker)
        project.change_deadline(worker, 0, received)

    assert project.pull(worker)[0].message.data == b"poison"


# --- pushes


def test_a_push_is_signed_as_googles_are(signed_project, endpoint, signing_key):
    topic = signed_project.topic()
    identity = {"service_account_email": ACCOUNT, "audience": "tablegate"}
    push = {"push_endpoint": endpoint.url, "oidc_token": identity}
    signed_project.subscription(topic, push_config=push)

    before = int(time.time())
    signed_project.publish(topic, b"signed")
    scheme, _, token = endpoint.wait_for(1)[0].headers["authorization"].partition(" ")
    after = time.time()
    claims = jwt.decode(token, certs={"key-1": certificate(signing_key[1])}, audience="tablegate")

    assert scheme == "Bearer"
    assert jwt.decode_header(token) == {"typ": "JWT", "alg": "RS256", "kid": "key-1"}
    assert claims["iss"] == "https://accounts.google.com"
    assert (claims["email"], claims["email_verified"]) == (ACCOUNT, True)
    assert claims["sub"].isdigit()
    assert claims["exp"] - claims["iat"] == 3600
    assert before <= claims["iat"] <= after


def certificate(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tablegate")])
    now = time.time()
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    start, end = (utc(now + days * 86400) for days in (-1, 1))
    signed = builder.not_valid_before(start).not_valid_after(end).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def test_the_default_audience_is_the_endpoint(signed_project, endpoint):
    topic = signed_project.topic()
    push = {"push_endpoint": endpoint.url, "oidc_token": {"service_account_email": ACCOUNT}}
    signed_project.subscription(topic, push_config=push)

    signed_project.publish(topic, b"signed")
    token = endpoint.wait_for(1)[0].headers["authorization"].removeprefix("Bearer ")

    assert jwt.decode(token, verify=False)["aud"] == endpoint.url


def test_only_the_servers_own_endpoints_get_tokens(signed_project, endpoint):
    topic = signed_project.topic()
    identity = {"service_account_email": ACCOUNT}
    ours = {"push_endpoint": endpoint.url, "oidc_token": identity}
    own = signed_project.subscription(topic, push_config=ours)
    push = {"push_endpoint": f"{endpoint.url}&to=another", "oidc_token": identity}
    change = {
        "subscription": {"name": own, "push_config": push},
        "update_mask": {"paths": ["push_config"]},
    }

    with pytest.raises(exceptions.FailedPrecondition, match="--sign-for"):
        signed_project.subscription(topic, "other", push_config=push)
    with pytest.raises(exceptions.FailedPrecondition, match="--sign-for"):
        signed_project.subscriber.modify_push_config(subscription=own, push_config=push)
    with pytest.raises(exceptions.FailedPrecondition, match="--sign-for"):
        signed_project.subscriber.update_subscription(request=change)

    signed_project.publish(topic, b"signed")
    assert endpoint.wait_for(1)[0].path.endswith("from=test")


def test_an_endpoint_that_lost_its_token_gets_no_pushes(endpoint, signing_key, tmp_path):
    flags = ("--signing-key", str(signing_key[0]))
    with servers.running(tmp_path / "pubsub.db", *flags, "--sign-for", endpoint.url) as server:
        clients = servers.connect(server.address)
        project = new_project(clients)
        topic = project.topic()
        identity = {"service_account_email": ACCOUNT}
        project.subscription(
            topic, push_config={"push_endpoint": endpoint.url, "oidc_token": identity}
        )
        clients.close()
    with servers.running(tmp_path / "pubsub.db", *flags) as server:
        clients = servers.connect(server.address)
        Project(project.name, clients).publish(topic, b"not signed")
        time.sleep(1)
        clients.close()

    assert endpoint.pushes == []


def test_an_unwrapped_push_has_the_data_as_its_body_and_the_rest_in_headers(project, endpoint):
    topic = project.topic()
    push = {"push_endpoint": endpoint.url, "no_wrapper": {"write_metadata": True}}
    subscription = project.subscription(topic, push_config=push)

    (number,) = project.publish(topic, b'{"rows": []}', table="jobs")
    (pushed,) = endpoint.wait_for(1)

    assert pushed.body == b'{"rows": []}'
    assert pushed.headers["table"] == "jobs"
    assert pushed.headers["x-goog-pubsub-message-id"] == number
    assert pushed.headers["x-goog-pubsub-subscription-name"] == subscription


def test_attributes_that_cannot_be_headers_fail_only_that_push(project, endpoint):
    topic = project.topic()
    push = {"push_endpoint": endpoint.url, "no_wrapper": {"write_metadata": True}}
    project.subscription(topic, push_config=push)

    project.publish(topic, b"bad", **{"a b\r\nc": "x\r\ny"})
    project.publish(topic, b"good", fine="yes")

    assert endpoint.wait_for(1)[0].body == b"good"


def test_pushes_run_concurrently_up_to_the_limit_on_few_connections(project, endpoint):
    topic = project.topic()
    project.subscription(topic, push_config={"push_endpoint": endpoint.url})
    running: queue.SimpleQueue = queue.SimpleQueue()
    all_three, peaks = threading.Barrier(3), []

    def answer(n, pushed):
        running.put(n)
        peaks.append(running.qsize())
        if n <= 3:
            all_three.wait(60)
        time.sleep(0.02)
        running.get()
        return 204

    endpoint.answer = answer
    project.publish(topic, *(b"%d" % n for n in range(30)))
    pushes = endpoint.wait_for(30)

    assert max(peaks) == 3
    assert len({pushed.data for pushed in pushes}) == 30
    assert len({pushed.connection for pushed in pushes}) == 3


@pytest.mark.parametrize("status", [203, 206, 301])
def test_only_googles_five_statuses_acknowledge_a_push(project, endpoint, status):
    topic = project.topic()
    project.subscription(topic, push_config={"push_endpoint": endpoint.url})
    endpoint.answer = lambda n, pushed: status if n == 1 else 204

    project.publish(topic, b"again")

    assert len(endpoint.wait_for(2)) == 2


def test_a_push_subscription_cannot_be_pulled(project, endpoint):
    name = project.subscription(project.topic(), push_config={"push_endpoint": endpoint.url})
    request = types.StreamingPullRequest(subscription=name, stream_ack_deadline_seconds=10)

    with pytest.raises(exceptions.FailedPrecondition, match="not supported for this subscription"):
        project.subscriber.pull(subscription=name, max_messages=1, **ONCE)
    with pytest.raises(exceptions.FailedPrecondition):
        next(iter(project.subscriber.streaming_pull(iter([request]), timeout=5)))
