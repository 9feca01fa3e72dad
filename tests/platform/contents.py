"""A word written into each stand-in, to check later that it is still there."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import grpc
from google.cloud import pubsub_v1, storage
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from tests.support import clients
from tests.support.platform import Platform


@dataclass(frozen=True)
class Contents:
    """A word that was written, and how to find it."""

    word: str
    find: Callable[[Platform, str], bool]

    @classmethod
    def put_into(cls, platform: Platform, part: str) -> "Contents":
        """Write a new word into a stand-in, or into all of them if this one stores no data."""
        word = uuid.uuid4().hex
        chosen = [part] if part in _STORES else list(_STORES)
        for name in chosen:
            _STORES[name][0](platform, word)
        return cls(
            word,
            lambda platform, word: all(_STORES[name][1](platform, word) for name in chosen),
        )

    def are_in(self, platform: Platform) -> bool:
        """Whether the word is still there."""
        return self.find(platform, self.word)


@contextmanager
def bucket(platform: Platform, key: str) -> Iterator[storage.Bucket]:
    """A bucket of the platform, with its own client."""
    storage_of = platform.description["storage"]
    with closing(clients.of_storage(storage_of["endpoint"])) as client:
        yield client.bucket(storage_of[key])


def _put_row(platform: Platform, word: str) -> None:
    database = clients.connection(platform.database_url)
    database.run("create table if not exists kept (word text)")
    database.run("insert into kept values (:word)", word=word)
    database.close()


def _has_row(platform: Platform, word: str) -> bool:
    database = clients.connection(platform.database_url)
    found = database.run("select word from kept where word = :word", word=word)
    database.close()
    return found == [[word]]


def _put_object(platform: Platform, word: str) -> None:
    with bucket(platform, "backups") as backups:
        blob = backups.blob(f"kept/{word}")
        blob.metadata = {"word": word}
        blob.upload_from_string(word)


def _has_object(platform: Platform, word: str) -> bool:
    with bucket(platform, "backups") as backups:
        blob = backups.get_blob(f"kept/{word}")
        if blob is None:
            return False
        return blob.metadata == {"word": word} and _bytes(blob) == word.encode()


def _bytes(blob: storage.Blob) -> bytes:
    return bytes(blob.download_as_bytes())


def _put_warehouse_row(platform: Platform, word: str) -> None:
    client = clients.of_bigquery(platform.description["bigquery"]["endpoint"])
    client.create_dataset("kept", exists_ok=True)
    client.query("create table if not exists kept.words (word string)").result()
    client.query(f"insert into kept.words (word) values ('{word}')").result()
    client.close()


def _has_warehouse_row(platform: Platform, word: str) -> bool:
    client = clients.of_bigquery(platform.description["bigquery"]["endpoint"])
    found = list(client.query(f"select word from kept.words where word = '{word}'").result())
    client.close()
    return [row["word"] for row in found] == [word]


def _put_message(platform: Platform, word: str) -> None:
    pubsub = platform.description["pubsub"]
    with grpc.insecure_channel(pubsub["endpoint"]) as channel:
        client = pubsub_v1.PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        client.publish(f"projects/{pubsub['project']}/topics/dead-letters", word.encode()).result()
        client.stop()


def _has_message(platform: Platform, word: str) -> bool:
    pubsub = platform.description["pubsub"]
    path = f"projects/{pubsub['project']}/subscriptions/dead-letters"
    with grpc.insecure_channel(pubsub["endpoint"]) as channel:
        client = pubsub_v1.SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        pulled = client.pull(subscription=path, max_messages=100).received_messages
        client.acknowledge(subscription=path, ack_ids=[message.ack_id for message in pulled])
    return word.encode() in [message.message.data for message in pulled]


_STORES: dict[str, tuple[Callable[[Platform, str], None], Callable[[Platform, str], bool]]] = {
    "postgres": (_put_row, _has_row),
    "storage": (_put_object, _has_object),
    "bigquery": (_put_warehouse_row, _has_warehouse_row),
    "pubsub": (_put_message, _has_message),
}
