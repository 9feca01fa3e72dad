"""Routes of backup_table."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.http.descriptions import Answer, Body, Parameter
from shared.http.routes import Route

Count = Annotated[int, Meta(ge=0)]


class Backup(msgspec.Struct):
    """A backup of a table."""

    id: Annotated[str, Meta(description="What to restore, verify or delete it by.")]
    table: str
    uri: Annotated[str, Meta(description="Its Avro file; the manifest lies beside it.")]
    rows: Count
    size_bytes: Count
    crc32c: Annotated[str, Meta(description="Of the file's bytes, base64.")]
    checksum: Annotated[str, Meta(description="Of its rows, whatever their order.")]
    fingerprint: Annotated[str, Meta(description="SHA-256 of the schema's parsing canonical form.")]
    codec: str
    snapshot_at: Annotated[datetime, Meta(description="The moment whose rows they are.")]
    age_seconds: Annotated[int, Meta(description="Since that moment.")]
    scheduled: bool
    sender: Annotated[str, Meta(description="Who asked for it.")]
    verified: Annotated[
        bool, Meta(description="Whether it was whole and right when it was last read.")
    ]
    verified_at: Annotated[datetime, Meta(description="When it was last found so.")]
    damage: Annotated[str | None, Meta(description="What was wrong when it was last read.")]


class BackupList(msgspec.Struct):
    """Backups of a table, the newest first."""

    table: str
    backups: list[Backup]


class BackupSet(msgspec.Struct):
    """Backups of several tables, all as they were at the same moment."""

    id: Annotated[str, Meta(description="The id of each of them.")]
    snapshot_at: datetime
    backups: list[Backup]


class NoOptions(msgspec.Struct, forbid_unknown_fields=True):
    """An empty object: a backup has no options."""


_BACKUP_ID = "5f3a9c1e7b20"
_MOMENT = datetime(2026, 1, 2, 2, 0, 0, 123456, tzinfo=UTC)
_BACKUP = Backup(
    id=_BACKUP_ID,
    table="jobs",
    uri=f"gs://tablegate-backups/jobs/20260102T020000.123456Z-{_BACKUP_ID}.avro",
    rows=183,
    size_bytes=6042,
    crc32c="yZRlqg==",
    checksum="91ab6c0f35d2e874",
    fingerprint="5dbd1a8ab5b6d1f0a9e0c4c0c1d3c54a2f0f5d7f6ef1a1c8c8d6d2b6b8f0a9e0",
    codec="deflate",
    snapshot_at=_MOMENT,
    age_seconds=42,
    scheduled=False,
    sender="ann",
    verified=True,
    verified_at=datetime(2026, 1, 2, 2, 0, 1, tzinfo=UTC),
    damage=None,
)

TABLE = Parameter(
    "table_name", "path", "A table of the dictionary.", {"type": "string"}, example="jobs"
)
BACKUP = Parameter(
    "backup_id",
    "path",
    "As the answer to the backup gave it.",
    {"type": "string", "pattern": "^[0-9a-f]{12}$"},
    example=_BACKUP_ID,
)
_NO_BODY = Body("Nothing, or an empty object.", NoOptions, required=False)

BACK_UP_ALL = Route(
    "POST",
    "/all",
    scope="backups",
    scheduled=True,
    summary="Back up all tables as they are at one moment",
    description="Answers when each was read back and found right. After a backup that the "
    "schedule asked for, old ones are let go: those over BACKUP_KEEP_DAYS old, but never one of "
    "the last BACKUP_KEEP_LAST.",
    body=_NO_BODY,
    answers=(
        Answer(
            201, "Backed up, and verified.", BackupSet, BackupSet(_BACKUP_ID, _MOMENT, [_BACKUP])
        ),
    ),
)

BACK_UP = Route(
    "POST",
    "/<table_name>",
    scope="backups",
    scheduled=True,
    summary="Back up a table",
    description="Streams the table, as it is at one moment, to an Avro file on Cloud Storage, "
    "reads that back and compares it with what was read of the table: number of rows, CRC32C and "
    "content checksum. Only then is there a backup. Loads go on meanwhile.",
    parameters=(TABLE,),
    body=_NO_BODY,
    answers=(Answer(201, "Backed up, and verified.", Backup, _BACKUP),),
    problems={404: ("unknown-table",)},
)

LIST = Route(
    "GET",
    "/<table_name>",
    scope="backups",
    summary="The backups of a table",
    parameters=(TABLE,),
    answers=(Answer(200, "Newest first.", BackupList, BackupList("jobs", [_BACKUP])),),
    problems={404: ("unknown-table",)},
)

VERIFY = Route(
    "POST",
    "/<table_name>/<backup_id>/verify",
    scope="backups",
    summary="Read a backup whole and check it again",
    parameters=(TABLE, BACKUP),
    body=_NO_BODY,
    answers=(Answer(200, "It is what it was.", Backup, _BACKUP),),
    problems={404: ("unknown-table", "unknown-backup"), 422: ("damaged-backup",)},
)

DELETE = Route(
    "DELETE",
    "/<table_name>/<backup_id>",
    scope="backups",
    summary="Delete a backup",
    parameters=(TABLE, BACKUP),
    answers=(Answer(204, "It is gone.", media_type=""),),
    problems={404: ("unknown-table", "unknown-backup")},
)

ROUTES = (BACK_UP_ALL, BACK_UP, LIST, VERIFY, DELETE)
