"""What is known of a backup, and written beside it once it has been read back."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from shared.backups.errors import UnusableBackup

_TIME = "%Y%m%dT%H%M%S.%fZ"
_NAME = re.compile(
    r"(?P<table>[^/]+)/(?P<time>\d{8}T\d{6}\.\d{6}Z)-(?P<id>[0-9a-f]{12})\.(avro|json)"
)


class Manifest(msgspec.Struct, frozen=True):
    """A backup.

    Attributes:
        id: its id; tables that were backed up together share it.
        table: whose rows they are.
        object: name of the Avro object in the backups bucket.
        rows: how many.
        size_bytes: of the object.
        crc32c: of the object's bytes, base64.
        checksum: of its rows, whatever their order.
        fingerprint: SHA-256 of the schema's parsing canonical form.
        codec: how its blocks are packed.
        schema: the Avro schema.
        snapshot_at: the moment whose rows they are.
        created_at: when it was finished.
        sender: who asked for it.
        scheduled: whether the schedule did.
        verified_at: when it was last read and found as it should be.
        damage: what was wrong when it was last read, or None.
    """

    id: str
    table: str
    object: str
    rows: int
    size_bytes: int
    crc32c: str
    checksum: str
    fingerprint: str
    codec: str
    schema: dict[str, Any]
    snapshot_at: datetime
    created_at: datetime
    sender: str
    scheduled: bool
    verified_at: datetime
    damage: str | None = None

    @property
    def is_verified(self) -> bool:
        """Whether it was found as it should be when it was last read."""
        return self.damage is None

    @property
    def name(self) -> str:
        """Name of the manifest's own object."""
        return f"{self.object.removesuffix('.avro')}.json"

    def encoded(self) -> bytes:
        """As it is written down."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    def checked(self, damage: str | None, now: datetime) -> "Manifest":
        """The manifest after another look at the object."""
        verified_at = now if damage is None else self.verified_at
        return msgspec.structs.replace(self, verified_at=verified_at, damage=damage)


def decode(data: bytes) -> Manifest:
    """A manifest that was written down.

    Raises:
        UnusableBackup: `damaged`, it is none.
    """
    try:
        return msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as error:
        raise UnusableBackup("damaged", f"A manifest cannot be read: {error}.") from error


def object_name(table_name: str, snapshot_at: datetime, backup_id: str) -> str:
    """The name of a backup's Avro object."""
    moment = snapshot_at.astimezone(UTC).strftime(_TIME)
    return f"{table_name}/{moment}-{backup_id}.avro"


def id_of(name: str) -> str | None:
    """The id in the name of a backup's object or manifest, or None for any other name."""
    found = _NAME.fullmatch(name)
    return found["id"] if found else None
