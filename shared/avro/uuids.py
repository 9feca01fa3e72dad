"""Ids of loads, many at once: sixteen bytes each, or the 36 letters they are written with."""

from __future__ import annotations

from shared.avro.columns import SLACK, Texts, window_of
from shared.backups.errors import UnusableBackup
from shared.lazy import numpy as np

LETTERS = 36
BYTES = 16
# Where the letters of each byte stand, between the hyphens.
_PLACES = [p for p in range(LETTERS) if p not in (8, 13, 18, 23)]
_HYPHENS = [8, 13, 18, 23]
_HEXADECIMAL = b"0123456789abcdef"
_NO_DIGIT = 0xFF
# The digit that each byte is.
_DIGITS = bytes(_HEXADECIMAL.find(bytes([byte]).lower()) % 256 for byte in range(256))


def written(packed: memoryview) -> Texts:
    """Ids of sixteen bytes each, as they are written."""
    halves = np.frombuffer(packed, np.uint64).reshape(-1, 2)
    # Rows of one load mostly lie together: each id is written once for all that follow with it.
    is_other = (halves[1:] != halves[:-1]).any(axis=1)
    runs = np.concatenate(([0], np.cumsum(is_other)))[: len(halves)]
    firsts = np.concatenate(([0], np.flatnonzero(is_other) + 1))[: len(halves)]
    raw = halves[firsts].view(np.uint8).reshape(-1, BYTES)
    letters = np.empty((len(raw), LETTERS), np.uint8)
    letters[:, _HYPHENS] = ord("-")
    hexadecimal = np.frombuffer(_HEXADECIMAL, np.uint8)
    letters[:, _PLACES[::2]] = hexadecimal[raw >> 4]
    letters[:, _PLACES[1::2]] = hexadecimal[raw & 15]
    lengths = np.full(len(halves), LETTERS, np.int64)
    return Texts(letters.tobytes() + bytes(SLACK), runs * LETTERS, lengths)


def packed(texts: Texts) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Written ids as sixteen bytes each.

    Raises:
        UnusableBackup: `bad_rows`, one is none.
    """
    if not bool((texts.lengths == LETTERS).all()):
        raise _damaged()
    letters = window_of(texts.data, LETTERS)[texts.starts].view(np.uint8).reshape(-1, LETTERS)
    digits = np.frombuffer(_DIGITS, np.uint8)[letters[:, _PLACES]]
    if bool((digits == _NO_DIGIT).any()) or not bool((letters[:, _HYPHENS] == ord("-")).all()):
        raise _damaged()
    return np.ascontiguousarray((digits[:, ::2] << 4) | digits[:, 1::2])


def _damaged() -> UnusableBackup:
    return UnusableBackup("bad_rows", "A load_id of the file is no UUID; leave the field out.")
