"""From a file in the uploads bucket to rows in its table, and the file to its place."""

import json
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from shared import logs, storage, tables
from shared.database.engine import transaction
from shared.faults import Fault, PermanentFault, UnreadableFile
from shared.loading import ledger, rejects
from shared.loading.ledger import Entry, Source
from shared.loading.load import load
from shared.loading.store import announce
from shared.settings import Settings
from shared.storage import StoredObject
from shared.tables.table import Table
from shared.validation import corrections
from shared.validation.files import Block, blocks

_FILE_NAME = re.compile(r"(?P<table>[a-z0-9_]+)(?:-.*)?\.csv(?:\.gz)?", re.IGNORECASE | re.DOTALL)
_RESEND = "tablegate-resend"


class Uploads:
    """Loads files, with what it needs to do so handed in.

    Args:
        settings: buckets, topics and limits.
        engine: the database.
        client: Cloud Storage.
        publisher: Pub/Sub's publisher.
    """

    def __init__(self, settings: Settings, engine: sa.Engine, client: Any, publisher: Any) -> None:
        settings.require("uploads_bucket", "processed_bucket", "failed_bucket")
        self.settings, self.engine, self.client = settings, engine, client
        self.publisher = publisher

    def take(self, bucket: str, name: str, generation: int | None) -> Entry | None:
        """Load one object, and move it to its place; the same object again changes nothing.

        Returns:
            What the ledger has of it, or None for an object that is gone without having been
            loaded (overwritten or deleted by its sender).

        Raises:
            TransientFault: try again later; what was done stays done.
        """
        stored = storage.find(self.client, bucket, name, generation)
        if stored is None:
            return self._gone(bucket, name, generation)
        try:
            entry = self._load(stored)
        except UnreadableFile as fault:
            entry = self._fail(stored, fault)
        self._finish(stored, entry)
        return entry

    def sweep(self, now: datetime) -> list[StoredObject]:
        """Load what has lain in uploads for longer than its event should have taken.

        Returns:
            The objects that were taken. One that fails is logged, and does not keep back others.

        Raises:
            StorageAway: the bucket cannot be listed.
        """
        before = now - timedelta(seconds=self.settings.sweep_age_seconds)
        taken = []
        for stored in storage.listed(self.client, self.settings.uploads_bucket, before):
            try:
                self.take(stored.bucket, stored.name, stored.generation)
                taken.append(stored)
            except Fault as fault:
                logs.line(
                    "ERROR",
                    "An upload could not be swept",
                    source=stored.identity,
                    error=str(fault),
                )
        return taken

    def _gone(self, bucket: str, name: str, generation: int | None) -> Entry | None:
        with transaction(self.engine) as connection:
            entry = ledger.recorded(connection, f"gs://{bucket}/{name}#{generation}")
        if entry is None:
            logs.line("WARNING", "An uploaded file is gone before it was loaded", file=name)
        else:
            announce(self.engine, self.publisher, self.settings, entry)
        return entry

    def _load(self, stored: StoredObject) -> Entry:
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
            with storage.reading(self.client, stored) as stream:
                yield from blocks(table, stream, self.settings.max_line_bytes, numbered=numbered)

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
            raise PermanentFault(f"The ledger lost the entry of {stored.identity!r}.")
        return entry

    def _finish(self, stored: StoredObject, entry: Entry) -> None:
        # Every step can be repeated: a delivery that was cut off is finished by the next.
        announce(self.engine, self.publisher, self.settings, entry)
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
