"""From a file in the uploads bucket to rows in its table, and the file to its place."""

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from shared import logs, storage, tables
from shared.database.engine import transaction
from shared.errors import PermanentError, TablegateError, UnreadableFile
from shared.loading import ledger, rejects, store
from shared.loading.ledger import Entry, Source
from shared.loading.load import load
from shared.settings import Settings
from shared.storage import StoredObject
from shared.tables.table import Table
from shared.validation import corrections
from shared.validation.csv_rows import blocks
from shared.validation.rows import Block

_FILE_NAME = re.compile(r"(?P<table>[a-z0-9_]+)(?:-.*)?\.csv(?:\.gz)?", re.IGNORECASE | re.DOTALL)
_RESEND = "tablegate-resend"
# How much larger than its gzip file CSV of this kind is; measured 5 to 9.
_GZIP_RATIO = 8

HandOver = Callable[[StoredObject], None]
"""Has a file loaded by others, once; called again while they do, it changes nothing."""
Read = Callable[..., Iterable[Block]]
"""Gives the judged rows of (table, object), with or without their positions (`numbered`)."""


class Uploads:
    """Loads files, with what it needs to do so handed in.

    Args:
        settings: buckets, topics and limits.
        engine: the database.
        client: Cloud Storage.
        publisher: Pub/Sub's publisher.
        hand_over: has files loaded that are too large for one call; None where nobody does.
    """

    def __init__(
        self,
        settings: Settings,
        engine: sa.Engine,
        client: Any,
        publisher: Any,
        hand_over: HandOver | None = None,
    ) -> None:
        settings.require("uploads_bucket", "processed_bucket", "failed_bucket")
        self.settings, self.engine, self.client = settings, engine, client
        self.publisher, self.hand_over = publisher, hand_over

    def take(
        self, bucket: str, name: str, generation: int | None, read: Read | None = None
    ) -> Entry | None:
        """Load one object, and move it to its place; the same object again changes nothing.

        Args:
            bucket: its bucket.
            name: its name there.
            generation: which version of that name; None is the live one.
            read: gives its judged rows; without it the object itself is read, or handed over where
                it is too large for one call.

        Returns:
            What the ledger has of it, or None for an object that is gone without having been
            loaded (overwritten or deleted by its sender), or was handed over.

        Raises:
            TransientError: try again later; what was done stays done.
        """
        stored = storage.find(self.client, bucket, name, generation)
        if stored is None:
            return self._gone(bucket, name, generation)
        try:
            if read is None and self._is_handed_over(stored):
                return None
            entry = self._load(stored, read or self._read)
        except UnreadableFile as error:
            entry = self._fail(stored, error)
        self._finish(stored, entry)
        return entry

    def sweep(self, now: datetime) -> list[StoredObject]:
        """Load what has lain in uploads for longer than its event should have taken.

        Returns:
            The objects that were loaded. One that fails is logged, and does not keep back others.

        Raises:
            StorageUnavailable: the bucket cannot be listed.
        """
        before = now - timedelta(seconds=self.settings.sweep_age_seconds)
        taken = []
        for stored in storage.listed(self.client, self.settings.uploads_bucket, before):
            try:
                if self.take(stored.bucket, stored.name, stored.generation) is not None:
                    taken.append(stored)
            except TablegateError as error:
                logs.line(
                    "ERROR",
                    "An upload could not be swept",
                    source=stored.identity,
                    error=str(error),
                )
        return taken

    def sweep_waiting(self) -> list[UUID]:
        """Load the rows that wait though their parents are there; gives the loads they are of.

        Raises:
            TransientError: call again.
        """
        return store.sweep(self.engine, self.publisher, self.settings)

    def _gone(self, bucket: str, name: str, generation: int | None) -> Entry | None:
        with transaction(self.engine) as connection:
            entry = ledger.recorded(connection, f"gs://{bucket}/{name}#{generation}")
        if entry is None:
            logs.line("WARNING", "An uploaded file is gone before it was loaded", file=name)
        else:
            store.announce(self.engine, self.publisher, self.settings, entry)
        return entry

    def _is_handed_over(self, stored: StoredObject) -> bool:
        size = stored.size_bytes * (_GZIP_RATIO if stored.name.endswith(".gz") else 1)
        if size < self.settings.backfill_from_bytes or self._is_recorded(stored):
            return False
        _, table = address(stored.name)
        if self.hand_over is None:
            raise UnreadableFile(
                "too_large",
                f"The file has {stored.size_bytes} bytes, more than one call can load. Set "
                "DATAFLOW_TEMPLATE and DATAFLOW_REGION, so that Dataflow loads such files, or drop "
                "it again in several files.",
                size_bytes=stored.size_bytes,
                maximum=self.settings.backfill_from_bytes,
            )
        self.hand_over(stored)
        logs.line("INFO", "A large file is handed over", source=stored.identity, table=table.name)
        return True

    def _is_recorded(self, stored: StoredObject) -> bool:
        with transaction(self.engine) as connection:
            return ledger.recorded(connection, stored.identity) is not None

    def _read(self, table: Table, stored: StoredObject, *, numbered: bool) -> Iterable[Block]:
        with storage.reading(self.client, stored) as stream:
            yield from blocks(
                table,
                stream,
                self.settings.max_line_bytes,
                numbered=numbered,
                max_unpacked_bytes=self.settings.max_unpacked_bytes,
            )

    def _load(self, stored: StoredObject, read: Read) -> Entry:
        sender, table = address(stored.name)
        source = Source(
            identity=stored.identity,
            kind="file",
            table_name=table.name,
            accepted_at=stored.created_at,
            sender=sender,
            content=stored.content,
            newest=stored.metadata.get(_RESEND) == "newest",
            size_bytes=stored.size_bytes,
        )

        def judged(*, numbered: bool = True) -> Iterable[Block]:
            return read(table, stored, numbered=numbered)

        return load(
            self.engine, source, judged, lock_timeout_seconds=self.settings.lock_timeout_seconds
        )

    def _fail(self, stored: StoredObject, fault: UnreadableFile) -> Entry:
        sender, table_name = None, None
        try:
            sender, table = address(stored.name)
            table_name = table.name
        except UnreadableFile:
            pass
        source = Source(
            stored.identity, "file", table_name, stored.created_at, sender, stored.content
        )
        error = {"code": fault.code, "detail": str(fault), **fault.facts}
        with transaction(self.engine) as connection:
            ledger.fail(connection, source, error)
        with transaction(self.engine) as connection:
            entry = ledger.recorded(connection, stored.identity)
        if entry is None:
            raise PermanentError(f"The ledger lost the entry of {stored.identity!r}.")
        return entry

    def _finish(self, stored: StoredObject, entry: Entry) -> None:
        # Every step can be repeated: a delivery that was cut off is finished by the next.
        store.announce(self.engine, self.publisher, self.settings, entry)
        if entry.state == "done":
            name = storage.copy_on(self.client, stored, self.settings.processed_bucket)
            self._write_corrections(entry, name)
        else:
            name = storage.copy_on(self.client, stored, self.settings.failed_bucket)
            self._write_report(stored, entry, name)
        # Last: who sees that the file is gone finds all that became of it.
        storage.take_away(self.client, stored)

    def _write_report(self, stored: StoredObject, entry: Entry, name: str) -> None:
        report = {"file": stored.name, "load_id": str(entry.load_id), **(entry.error or {})}
        storage.write(
            self.client,
            self.settings.failed_bucket,
            storage.beside(name, ".report.json"),
            (json.dumps(report, indent=2, default=str).encode() + b"\n",),
            "application/json",
        )

    def _write_corrections(self, entry: Entry, name: str) -> None:
        if not entry.counts.rejected or entry.table_name is None:
            return
        table = tables.find(entry.table_name)
        with transaction(self.engine) as connection:
            storage.write(
                self.client,
                self.settings.processed_bucket,
                storage.beside(name, ".rejected.csv"),
                corrections.lines(table, rejects.of_load(connection, entry.load_id)),
                "text/csv; charset=utf-8",
            )


def address(name: str) -> tuple[str | None, Table]:
    """Sender and table that an object's name speaks of.

    `{table}.csv`, `{table}-anything.csv` and `{table}/anything` come from nobody in particular,
    `{sender}/{table}/anything` from a sender. A `.gz` may follow.

    Raises:
        UnreadableFile: `unknown_table`: the name fits no table; says which names would.
    """
    known = tables.all_tables()
    *folders, last = name.split("/")
    if "\x00" in name:
        # No table of ours could keep whom it comes from.
        pass
    elif not folders:
        fits = _FILE_NAME.fullmatch(last)
        if fits and fits["table"].lower() in known:
            return None, known[fits["table"].lower()]
    elif last and folders[0] in known:
        return None, known[folders[0]]
    elif last and len(folders) > 1 and folders[0] and folders[1] in known:
        return folders[0], known[folders[1]]
    raise UnreadableFile(
        "unknown_table",
        f"The name {name[:200]!r} fits no table. Name the file TABLE.csv, TABLE-anything.csv or "
        f"TABLE/anything.csv, where TABLE is one of {', '.join(known)}.",
        tables=list(known),
    )
