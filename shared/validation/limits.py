"""What loading one file may cost; a file beyond it fails as a whole, with the reason."""

import math
import time
from collections import Counter
from dataclasses import dataclass

from shared.errors import UnreadableFile
from shared.validation.rows import Block

RATIO_FROM_BYTES = 4 << 20
"""Unpacked size up to which a gzip file may have any ratio: small files may repeat themselves."""
FREE_REJECTS = 10_000
"""Rejected rows that a file of any size may have."""
_REASONS, _SENTENCE_CHARACTERS = 3, 300


@dataclass(frozen=True)
class Limits:
    """Limits of one file.

    Attributes:
        max_unpacked_bytes: what a gzip file may unpack to.
        max_unpacked_ratio: how many times its packed size a gzip file may unpack to, beyond
            `RATIO_FROM_BYTES`.
        until: the `time.monotonic()` until which the file must be read and staged.
        load_seconds: the same as a duration, for the sentence.
        max_rejects: rejected rows from which `max_reject_percent` counts.
        max_reject_percent: the largest share of rejected rows in what was read.
        size_bytes: the size of the file as it is stored; None if that is no limit.
        bytes_per_reject: the stored bytes that allow one more reject beyond `FREE_REJECTS`.
    """

    max_unpacked_bytes: int = 20_000_000_000
    max_unpacked_ratio: int = 100
    until: float = math.inf
    load_seconds: int = 300
    max_rejects: int = 1_000_000
    max_reject_percent: int = 50
    size_bytes: int | None = None
    bytes_per_reject: int = 2

    def check_time(self) -> None:
        """Check that there is time left.

        Raises:
            UnreadableFile: `too_slow`.
        """
        if time.monotonic() > self.until:
            raise UnreadableFile(
                "too_slow",
                f"The file could not be read and staged within {self.load_seconds} s. Drop its "
                "rows in several files, or raise LOAD_SECONDS.",
                maximum=self.load_seconds,
            )

    def check_unpacked(self, packed: int, unpacked: int) -> None:
        """Check how much the first `packed` bytes of a gzip file have unpacked to.

        Raises:
            UnreadableFile: `too_large`, or `bad_ratio`.
        """
        if unpacked > self.max_unpacked_bytes:
            most = self.max_unpacked_bytes
            raise UnreadableFile(
                "too_large",
                f"The gzip file unpacks to more than {most} bytes. Drop it again in several files, "
                "or raise MAX_UNPACKED_BYTES.",
                maximum=most,
            )
        if unpacked > max(RATIO_FROM_BYTES, self.max_unpacked_ratio * packed):
            raise UnreadableFile(
                "bad_ratio",
                f"The gzip file unpacks to more than {self.max_unpacked_ratio} times its size, as "
                "no rows of a table do. Drop it again unpacked, or raise MAX_UNPACKED_RATIO.",
                maximum=self.max_unpacked_ratio,
            )

    def check_rejects(self, read: int, rejected: int, block: Block) -> None:
        """Check how many of the rows read so far were rejected; `block` holds the latest.

        Raises:
            UnreadableFile: `too_many_rejects`.
        """
        if rejected <= FREE_REJECTS:
            return
        if self.size_bytes is not None:
            most = FREE_REJECTS + self.size_bytes // self.bytes_per_reject
            if rejected > most:
                raise _too_many(read, rejected, block, f"a file of {self.size_bytes} bytes", most)
        if rejected > self.max_rejects and rejected * 100 > read * self.max_reject_percent:
            share = f"a file with more than {self.max_reject_percent}% rejected rows"
            raise _too_many(read, rejected, block, share, self.max_rejects)


DEFAULT = Limits()
"""Limits for a file of any size, without a limit of time."""


def _too_many(read: int, rejected: int, block: Block, what: str, most: int) -> UnreadableFile:
    reasons = Counter(reject.reason for reject in block.rejects).most_common(_REASONS)
    last = block.rejects[-1]
    # A rule of the table may quote the row.
    sentence = last.errors[0].sentence()[:_SENTENCE_CHARACTERS]
    return UnreadableFile(
        "too_many_rejects",
        f"{rejected} of the first {read} rows were rejected, and {what} may have {most}; the last "
        f"one, in line {last.position}, for {last.errors[0].field}: {sentence} "
        "Nothing was loaded. Correct the file and drop it again.",
        read=read,
        rejected=rejected,
        maximum=most,
        reasons=[code for code, _ in reasons],
    )
