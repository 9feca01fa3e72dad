"""Loads the rows of files in the uploads bucket, and archives the files."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared import logs, tables
from shared.database.engine import transaction
from shared.errors import PermanentError, TablegateError, UnreadableFile
from shared.lazy import sqlalchemy as sa
from shared.loading import ledger, reject_queue, store
from shared.loading.ledger import Entry, Source, load_id_of
from shared.loading.load import load
from shared.loading.progress import Progress
from shared.loading.reject_queue import Filters
from shared.settings import Settings
from shared.storage import ObjectStore, StoredObject, sibling
from shared.tables.table import Table
from shared.validation import corrections
from shared.validation.csv_rows import blocks
from shared.validation.limits import Limits
from shared.validation.rows import Block

_FILE_NAME = re.compile(r"(?P<table>[a-z0-9_]+)(?:-.*)?\.csv(?:\.gz)?", re.IGNORECASE | re.DOTALL)
_RESEND = "tablegate-resend"
# How many times larger CSV is than its gzip file; measured 5 to 9.
_GZIP_RATIO = 8

HandOver = Callable[[StoredObject], None]
"""Starts a backfill of a file once; a call while it runs does nothing."""
Read = Callable[..., Iterable[Block]]
"""Yields the validated rows of (table, object), with or without their positions (`numbered`)."""


class Uploads:
    """Loads files.

    Args:
        settings: buckets, topics and limits.
        engine: the database.
        objects: Cloud Storage.
        publisher: Pub/Sub's publisher.
        hand_over: starts the backfill of a file that is too large for one call; None if backfills
            are not configured.
    """

    def __init__(
        self,
        settings: Settings,
        engine: sa.Engine,
        objects: ObjectStore,
        publisher: Any,
        hand_over: HandOver | None = None,
    ) -> None:
        settings.require("uploads_bucket", "processed_bucket", "failed_bucket")
        self.settings, self.engine, self.objects = settings, engine, objects
        self.publisher, self.hand_over = publisher, hand_over

    def ingest(
        self, bucket: str, name: str, generation: int | None, read: Read | None = None
    ) -> Entry | None:
        """Load one object and archive it; a repeated call changes nothing.

        Args:
            bucket: its bucket.
            name: its name there.
            generation: which version of that name; None is the live one.
            read: yields its validated rows; by default the object itself is read, or handed over
                if it is too large for one call.

        Returns:
            Its entry in the ledger. None if it was handed over, or if it does not exist and was
            never loaded: its sender has overwritten or deleted it.

        Raises:
            TransientError: try again later; completed steps are not repeated.
        """
        stored = self.objects.find(bucket, name, generation)
        if stored is None:
            return self._gone(bucket, name, generation)
        try:
            if read is None and self._is_handed_over(stored):
                return None
            entry = self._load(stored, read or self._reader())
        except UnreadableFile as error:
            entry = self._fail(stored, error)
        self._finish(stored, entry)
        return entry

    def sweep(self, now: datetime) -> list[StoredObject]:
        """Ingest the objects in uploads whose event should have arrived by now.

        Returns:
            The objects that were loaded. A failed one is logged and does not stop the others.

        Raises:
            StorageUnavailable: the bucket cannot be listed.
        """
        before = now - timedelta(seconds=self.settings.sweep_age_seconds)
        loaded = []
        for stored in self.objects.list_objects(self.settings.uploads_bucket, before):
            try:
                if self.ingest(stored.bucket, stored.name, stored.generation) is not None:
                    loaded.append(stored)
            except TablegateError as error:
                logs.line(
                    "ERROR",
                    "An upload could not be swept",
                    source=stored.identity,
                    error=str(error),
                )
        return loaded

    def sweep_waiting(self) -> list[UUID]:
        """Load the waiting rows whose parents have arrived; return the loads they belong to.

        Raises:
            TransientError: call again.
        """
        return store.sweep(self.engine, self.publisher, self.settings)

    def _gone(self, bucket: str, name: str, generation: int | None) -> Entry | None:
        with transaction(self.engine) as connection:
            entry = ledger.recorded(connection, f"gs://{bucket}/{name}#{generation}")
        if entry is None:
            logs.line("WARNING", "An uploaded file was deleted before it was loaded", file=name)
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
                "the rows in several files.",
                size_bytes=stored.size_bytes,
                maximum=self.settings.backfill_from_bytes,
            )
        self.hand_over(stored)
        logs.line(
            "INFO",
            "A large file was handed over to Dataflow",
            source=stored.identity,
            table=table.name,
        )
        return True

    def _is_recorded(self, stored: StoredObject) -> bool:
        with transaction(self.engine) as connection:
            return ledger.recorded(connection, stored.identity) is not None

    def limits(self, stored: StoredObject) -> Limits:
        """Return what loading this object may cost; how long it may take is not limited."""
        settings = self.settings
        return Limits(
            max_unpacked_bytes=settings.max_unpacked_bytes,
            max_unpacked_ratio=settings.max_unpacked_ratio,
            load_seconds=settings.load_seconds,
            max_rejects=settings.max_rejects,
            max_reject_percent=settings.max_reject_percent,
            size_bytes=stored.size_bytes,
            bytes_per_reject=settings.bytes_per_reject,
        )

    def _reader(self) -> Read:
        """Return what reads objects in this call; the time counts from the first read."""
        until: list[float] = []

        def read(table: Table, stored: StoredObject, *, numbered: bool) -> Iterable[Block]:
            if not until:
                # Not before: the load may have waited for a lock, or for another load.
                until.append(time.monotonic() + self.settings.load_seconds)
            limits = replace(self.limits(stored), until=until[0])
            with self.objects.reading(stored) as stream:
                found = blocks(
                    table,
                    stream,
                    self.settings.max_line_bytes,
                    numbered=numbered,
                    limits=limits,
                )
                yield from self._progress(stored).of(found, stream)

        return read

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

        def validated(*, numbered: bool = True) -> Iterable[Block]:
            return read(table, stored, numbered=numbered)

        seconds = self.settings.lock_timeout_seconds
        with self._progress(stored).shown():
            return load(self.engine, source, validated, lock_timeout_seconds=seconds)

    def _progress(self, stored: StoredObject) -> Progress:
        return Progress(self.engine, load_id_of(stored.identity), stored.size_bytes)

    def _fail(self, stored: StoredObject, error: UnreadableFile) -> Entry:
        sender, table_name = None, None
        try:
            sender, table = address(stored.name)
            table_name = table.name
        except UnreadableFile:
            pass
        source = Source(
            stored.identity, "file", table_name, stored.created_at, sender, stored.content
        )
        facts = {"code": error.code, "detail": str(error), **error.facts}
        with transaction(self.engine) as connection:
            ledger.fail(connection, source, facts)
        with transaction(self.engine) as connection:
            entry = ledger.recorded(connection, stored.identity)
        if entry is None:
            raise PermanentError(f"The ledger lost the entry of {stored.identity!r}.")
        return entry

    def _finish(self, stored: StoredObject, entry: Entry) -> None:
        # Every step can be repeated: the next delivery finishes what this one does not.
        store.announce(self.engine, self.publisher, self.settings, entry)
        if entry.state == "done":
            name = self.objects.archive(stored, self.settings.processed_bucket)
            self._write_corrections(entry, name)
        else:
            name = self.objects.archive(stored, self.settings.failed_bucket)
            self._write_report(stored, entry, name)
        # Last: once the file has left uploads, everything that results from it exists.
        self.objects.delete_if_current(stored)

    def _write_report(self, stored: StoredObject, entry: Entry, name: str) -> None:
        report = {"file": stored.name, "load_id": str(entry.load_id), **(entry.error or {})}
        self.objects.write(
            self.settings.failed_bucket,
            sibling(name, ".report.json"),
            (json.dumps(report, indent=2, default=str).encode() + b"\n",),
            "application/json",
        )

    def _write_corrections(self, entry: Entry, name: str) -> None:
        if not entry.counts.rejected or entry.table_name is None:
            return
        table = tables.find(entry.table_name)
        found = reject_queue.to_correct(
            self.engine, Filters(table_name=table.name, load_id=entry.load_id)
        )
        self.objects.write(
            self.settings.processed_bucket,
            sibling(name, ".rejected.csv"),
            corrections.lines(table, found),
            "text/csv; charset=utf-8",
        )


def address(name: str) -> tuple[str | None, Table]:
    """Read the sender and the table from an object's name.

    `{table}.csv`, `{table}-anything.csv` and `{table}/anything` have no sender,
    `{sender}/{table}/anything` has one. A `.gz` may follow.

    Raises:
        UnreadableFile: `unknown_table`: the name matches no table; the text says which names do.
    """
    known = tables.all_tables()
    *folders, last = name.split("/")
    if "\x00" in name:
        # PostgreSQL could not store the sender.
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
        f"The name {name[:200]!r} matches no table. Name the file TABLE.csv, TABLE-anything.csv or "
        f"TABLE/anything.csv, where TABLE is one of {', '.join(known)}.",
        tables=list(known),
    )
