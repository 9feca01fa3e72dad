"""Loads files that are too large for one call: many workers validate them, one step loads them.

Workers exchange rows through the staging bucket. The last step uses the one write path, so that
the ledger entry, the counts and the rejects are the same as if one call had loaded the file.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shared.errors import StorageUnavailable, UnreadableFile
from shared.loading.ledger import Entry, load_id_of
from shared.loading.uploads import Uploads, address
from shared.storage import ObjectStore, StoredObject
from shared.tables.table import Table
from shared.validation import csv_rows, pieces
from shared.validation.header import Layout
from shared.validation.limits import Limits
from shared.validation.rows import Block

_CONTENT_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class FilePiece:
    """Some rows of the file, as read or after validation.

    Attributes:
        number: its place in the file, from 0.
        shape: where the file's columns are.
        names: the staged objects that hold it, in order.
    """

    number: int
    shape: Layout
    names: tuple[str, ...]


@dataclass(frozen=True)
class FileEnd:
    """The end of the file, or the place at which it turned out to be unreadable.

    Attributes:
        pieces: the number of pieces before it.
        error: the code, sentence and facts of the error, or None.
    """

    pieces: int
    error: tuple[str, str, dict[str, Any]] | None = None


@dataclass(frozen=True)
class Backfill:
    """One file that many workers load. Every step can be repeated.

    Attributes:
        uploads: the loader of uploaded files.
        bucket: the file's bucket.
        name: its name there.
        generation: which version of that name.
    """

    uploads: Uploads
    bucket: str
    name: str
    generation: int

    def split(self) -> Iterator[FilePiece | FileEnd]:
        """Stage the file's rows in pieces; yields nothing if the file does not exist any more.

        Raises:
            StorageUnavailable: try again.
        """
        stored = self._objects.find(self.bucket, self.name, self.generation)
        if stored is None:
            return
        number = 0
        try:
            _, table = address(stored.name)
            settings = self.uploads.settings
            with self._objects.reading(stored) as stream:
                shape, found = pieces.cut(
                    table,
                    stream,
                    settings.max_line_bytes,
                    limits=self.uploads.limits(stored),
                )
                for piece in found:
                    yield FilePiece(number, shape, (self._stage(f"{number:08d}", piece),))
                    number += 1
        except UnreadableFile as error:
            yield FileEnd(number, (error.code, str(error), error.facts))
        else:
            yield FileEnd(number)

    def validate(self, piece: FilePiece) -> FilePiece:
        """Validate the rows of a piece, and stage the result.

        Raises:
            StorageUnavailable: try again.
        """
        _, table = address(self.name)
        content = self._staged(piece.names[0])
        validated = pieces.validate(
            table, piece.shape, content, self.uploads.settings.max_line_bytes
        )
        names = [
            self._stage(f"{piece.number:08d}.{place:03d}", pieces.packed(block))
            for place, block in enumerate(validated)
        ]
        return FilePiece(piece.number, piece.shape, tuple(names))

    def load(self, parts: Iterable[FilePiece | FileEnd]) -> Entry | None:
        """Load the validated rows, and archive the file.

        Returns:
            The file's entry in the ledger; None if the file does not exist any more and was never
            loaded.

        Raises:
            TransientError: try again; nothing was committed.
        """
        found = list(parts)
        ends = [part for part in found if isinstance(part, FileEnd)]
        validated = sorted(
            (part for part in found if isinstance(part, FilePiece)), key=lambda part: part.number
        )

        def read(table: Table, stored: StoredObject, *, numbered: bool) -> Iterable[Block]:
            if len(ends) != 1 or len(validated) != ends[0].pieces:
                raise StorageUnavailable(f"Pieces of {self.name!r} are missing; try again.")
            if (error := ends[0].error) is not None:
                raise UnreadableFile(error[0], error[1], **error[2])
            limits = self.uploads.limits(stored)
            return self._blocks(table, validated, limits, numbered=numbered)

        entry = self.uploads.ingest(self.bucket, self.name, self.generation, read)
        self._objects.delete_below(self._staging, self._folder)
        return entry

    def _blocks(
        self, table: Table, validated: Sequence[FilePiece], limits: Limits, *, numbered: bool
    ) -> Iterator[Block]:
        if validated:
            shape = validated[0].shape
            found = self._unpacked(validated, numbered)
            yield from csv_rows.whole_file(table, shape, found, limits)

    def _unpacked(self, validated: Sequence[FilePiece], numbered: bool) -> Iterator[Block]:
        for part in validated:
            for name in part.names:
                block = pieces.unpacked(self._staged(name))
                if not numbered:
                    block.staged = [pieces.unnumbered(text) for text in block.staged]
                yield block

    @property
    def _objects(self) -> ObjectStore:
        return self.uploads.objects

    @property
    def _staging(self) -> str:
        return self.uploads.settings.staging_bucket

    @property
    def _folder(self) -> str:
        identity = f"gs://{self.bucket}/{self.name}#{self.generation}"
        return f"backfill/{load_id_of(identity)}/"

    def _stage(self, name: str, content: bytes) -> str:
        path = f"{self._folder}{name}"
        self._objects.write(self._staging, path, (content,), _CONTENT_TYPE)
        return path

    def _staged(self, name: str) -> bytes:
        return self._objects.read(self._staging, name)
