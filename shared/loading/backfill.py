"""Files too large for one call: cut, judged apart by many workers, and loaded as any other.

What workers pass on lies in the staging bucket; the last step takes it through the one write path,
so that ledger, counts and rejects are those of a file that was loaded in one call.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shared import storage
from shared.errors import StorageUnavailable, UnreadableFile
from shared.loading.ledger import Entry, load_id_of
from shared.loading.uploads import Uploads, address
from shared.storage import StoredObject
from shared.tables.table import Table
from shared.validation import csv_rows, pieces
from shared.validation.header import Layout
from shared.validation.rows import Block

_CONTENT = "application/octet-stream"


@dataclass(frozen=True)
class Piece:
    """Some rows of the file, or, once they are judged, what became of them.

    Attributes:
        number: its place in the file, from 0.
        shape: where the file's columns are.
        names: the staged objects that hold it, in order.
    """

    number: int
    shape: Layout
    names: tuple[str, ...]


@dataclass(frozen=True)
class Cut:
    """The file was read to its end, or to where it was found unreadable.

    Attributes:
        pieces: how many there are.
        fault: what was found, as code, sentence and facts, or None.
    """

    pieces: int
    fault: tuple[str, str, dict[str, Any]] | None = None


@dataclass(frozen=True)
class Backfill:
    """One file on its way through many workers; every step can be repeated.

    Attributes:
        uploads: what loads csv_rows.
        bucket: the file's bucket.
        name: its name there.
        generation: which version of that name.
    """

    uploads: Uploads
    bucket: str
    name: str
    generation: int

    def cut(self) -> Iterator[Piece | Cut]:
        """Stage the file's rows in pieces; nothing where the file is gone.

        Raises:
            StorageUnavailable: try again.
        """
        stored = storage.find(self.uploads.client, self.bucket, self.name, self.generation)
        if stored is None:
            return
        number = 0
        try:
            _, table = address(stored.name)
            settings = self.uploads.settings
            with storage.reading(self.uploads.client, stored) as stream:
                shape, found = pieces.cut(
                    table,
                    stream,
                    settings.max_line_bytes,
                    max_unpacked_bytes=settings.max_unpacked_bytes,
                )
                for piece in found:
                    yield Piece(number, shape, (self._stage(f"{number:08d}", piece),))
                    number += 1
        except UnreadableFile as error:
            yield Cut(number, (error.code, str(error), error.facts))
        else:
            yield Cut(number)

    def judge(self, piece: Piece) -> Piece:
        """Judge a piece, and stage what became of its rows.

        Raises:
            StorageUnavailable: try again.
        """
        _, table = address(self.name)
        content = self._staged(piece.names[0])
        judged = pieces.validate(table, piece.shape, content, self.uploads.settings.max_line_bytes)
        names = [
            self._stage(f"{piece.number:08d}.{place:03d}", pieces.packed(block))
            for place, block in enumerate(judged)
        ]
        return Piece(piece.number, piece.shape, tuple(names))

    def load(self, parts: Iterable[Piece | Cut]) -> Entry | None:
        """Load what was judged, and move the file to its place.

        Returns:
            What the ledger has of it; None where the file is gone and was never loaded.

        Raises:
            TransientError: try again; nothing is half done.
        """
        found = list(parts)
        ends = [part for part in found if isinstance(part, Cut)]
        judged = sorted(
            (part for part in found if isinstance(part, Piece)), key=lambda part: part.number
        )

        def read(table: Table, _: StoredObject, *, numbered: bool = True) -> Iterable[Block]:
            if len(ends) != 1 or len(judged) != ends[0].pieces:
                raise StorageUnavailable(
                    f"The pieces of {self.name!r} are not all there; try again."
                )
            if (fault := ends[0].fault) is not None:
                raise UnreadableFile(fault[0], fault[1], **fault[2])
            return self._blocks(table, judged, numbered=numbered)

        entry = self.uploads.take(self.bucket, self.name, self.generation, read)
        storage.delete_below(self.uploads.client, self._staging, self._folder)
        return entry

    def _blocks(self, table: Table, judged: Sequence[Piece], *, numbered: bool) -> Iterator[Block]:
        if judged:
            yield from csv_rows.whole_file(table, judged[0].shape, self._unpacked(judged, numbered))

    def _unpacked(self, judged: Sequence[Piece], numbered: bool) -> Iterator[Block]:
        for part in judged:
            for name in part.names:
                block = pieces.unpacked(self._staged(name))
                if not numbered:
                    block.staged = [pieces.unnumbered(text) for text in block.staged]
                yield block

    @property
    def _staging(self) -> str:
        return self.uploads.settings.staging_bucket

    @property
    def _folder(self) -> str:
        identity = f"gs://{self.bucket}/{self.name}#{self.generation}"
        return f"backfill/{load_id_of(identity)}/"

    def _stage(self, name: str, content: bytes) -> str:
        path = f"{self._folder}{name}"
        storage.write(self.uploads.client, self._staging, path, (content,), _CONTENT)
        return path

    def _staged(self, name: str) -> bytes:
        return storage.content(self.uploads.client, self._staging, name)
