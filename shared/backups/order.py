"""What is to be restored, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from shared.avro.codecs import MAX_BLOCK_BYTES
from shared.backups.manifest import Manifest
from shared.backups.restore_sql import Mode
from shared.storage import StoredObject
from shared.tables.table import Table

Key = dict[str, Any]


@dataclass(frozen=True)
class Order:
    """What is to be restored, and how.

    Attributes:
        table: into which table.
        stored: the Avro object.
        manifest: what is known of it, or None for a file made elsewhere.
        mode: `replace`: the table is the backup afterwards; `merge`: rows that the backup does not
            have stay.
        dry_run: only say what would change.
        sender: who asks.
        aliases: by a field's name another that it may have in a file made elsewhere.
        max_block_bytes: the largest block of the file that is taken.
    """

    table: Table
    stored: StoredObject
    manifest: Manifest | None
    mode: Mode = "replace"
    dry_run: bool = False
    sender: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)
    max_block_bytes: int = MAX_BLOCK_BYTES


class RowsChanged(msgspec.Struct, frozen=True):
    """Rows that change in one way."""

    count: Annotated[int, Meta(ge=0)]
    examples: Annotated[
        list[dict[str, Any]], Meta(description="The keys of the first ten of them.")
    ]


@dataclass(frozen=True)
class Restored:
    """What a restore did, or would do.

    Attributes:
        load_id: its entry in the ledger; None after a dry run.
        rows: how many rows the backup has.
        accepted_at: when it was asked for.
        changes: `inserted`, `updated`, `deleted` and `unchanged` rows.
    """

    load_id: UUID | None
    rows: int
    accepted_at: datetime
    changes: Mapping[str, RowsChanged]
