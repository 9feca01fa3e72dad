"""Doors in-process, on this test's own database and on topics of its own."""

import hashlib
import json
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from shared import wiring
from shared.loading import batches, store
from tests.support import apps

SCOPES = ["rows", "rejects"]
HEADERS = {"X-Token": "ann's token"}


def entry(name: str, *scopes: str) -> dict[str, Any]:
    digest = hashlib.sha256(f"{name}'s token".encode()).hexdigest()
    return {"name": name, "sha256": digest, "scopes": list(scopes)}


@dataclass
class Service:
    """The doors, and what lies behind them.

    Attributes:
        insert: client of insert_rows.
        rejects: client of rejected_rows.
        pull: the messages of a topic that nobody has taken yet.
    """

    insert: FlaskClient
    rejects: FlaskClient
    pull: Callable[[str], list[Any]]

    def send(self, table: str, *rows: Any, **headers: str) -> Any:
        """Send a batch; headers with underscores for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.insert.post(
            f"/insert_rows/{table}", json={"rows": list(rows)}, headers={**HEADERS, **named}
        )

    def deliver(self) -> int:
        """Store what was published, as store_rows does; returns how many messages it was."""
        messages = self.pull("row-batches")
        for message in messages:
            batch = batches.unpack(message.data, message.attributes)
            store.store(wiring.engine(), wiring.publisher(), wiring.settings(), batch)
        return len(messages)


def clear_wiring() -> None:
    """Forget what this process has made of its settings."""
    for made in (wiring.settings, wiring.engine, wiring.publisher):
        made.forget()


@pytest.fixture
def topics(platform, monkeypatch) -> Iterator[Callable[[str], list[Any]]]:
    """Topics in a project of their own; gives what pulls their messages."""
    from google.cloud import pubsub_v1

    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", platform.description["pubsub"]["endpoint"])
    project = f"doors-{uuid.uuid4().hex[:12]}"
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", project)
    with pubsub_v1.PublisherClient() as publisher, pubsub_v1.SubscriberClient() as subscriber:
        for name in ("row-batches", "table-changed"):
            topic = publisher.create_topic(name=f"projects/{project}/topics/{name}")
            subscriber.create_subscription(
                name=f"projects/{project}/subscriptions/{name}", topic=topic.name
            )

        def pull(name: str) -> list[Any]:
            subscription = f"projects/{project}/subscriptions/{name}"
            with warnings.catch_warnings():
                # Deprecated because pulls in a loop cost money; here one that waits costs time.
                warnings.simplefilter("ignore", DeprecationWarning)
                found = subscriber.pull(
                    subscription=subscription, max_messages=100, return_immediately=True
                ).received_messages
            if found:
                ids = [received.ack_id for received in found]
                subscriber.acknowledge(subscription=subscription, ack_ids=ids)
            return [received.message for received in found]

        yield pull


@pytest.fixture
def service(topics, database_url, monkeypatch) -> Iterator[Service]:
    """The doors, ready to be called."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    tokens = [entry("ann", *SCOPES), entry("bob", *SCOPES)]
    monkeypatch.setenv("TOKENS", json.dumps(tokens))
    clear_wiring()
    insert, rejects = (
        apps.load(name).app.test_client() for name in ("insert_rows", "rejected_rows")
    )
    yield Service(insert, rejects, topics)
    made: sa.Engine = wiring.engine()
    made.dispose()
    wiring.publisher().stop()
    clear_wiring()
