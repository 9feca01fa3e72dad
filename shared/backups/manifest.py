"""What is known of a backup, and written beside it once it has been read back."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from shared.backups.errors import UnusableBackup

Count: TypeAlias = Annotated[int, Meta(ge=0)]

_TIME = "%Y%m%dT%H%M%S.%fZ"
_NAME = re.compile(
    r"(?P<table>[^/]+)/(?P<time>\d{8}T\d{6}\.\d{6}Z)-(?P<id>[0-9a-f]{12})\.(avro|json)"
)


class BackupFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup's manifest and the API say of it alike."""

    id: Annotated[str, Meta(description="By which it is restored, verified or deleted.")]
    table: str
    rows: Count
    size_bytes: Count
    crc32c: Annotated[str, Meta(description="Of the file's bytes, base64.")]
    checksum: Annotated[str, Meta(description="Of its rows, whatever their order.")]
    fingerprint: Annotated[str, Meta(description="SHA-256 of the schema's parsing canonical form.")]
    codec: str
    snapshot_at: Annotated[datetime, Meta(description="The moment whose rows it holds.")]
    scheduled: bool
    sender: Annotated[str, Meta(description="Who asked for it.")]
    verified_at: Annotated[datetime, Meta(description="When it was last found intact.")]


class Manifest(BackupFacts, frozen=True, kw_only=True):
    """A backup. Tables that were backed up together share its id.

    Attributes:
        object: name of the Avro object in the backups bucket.
        schema: the Avro schema.
        created_at: when it was finished.
        damage: what was wrong when it was last read, or None.
    """

    object: str
    schema: dict[str, Any]
    created_at: datetime
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
