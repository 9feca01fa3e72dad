"""Which backups may go."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.backups.manifest import Manifest


def expired(
    newest_first: Sequence[Manifest], now: datetime, keep_days: int, keep_last: int
) -> list[Manifest]:
    """The backups of a table that need not be kept any longer.

    Kept are those of the last `keep_days`, the last `keep_last`, and of those that were found as
    they should be the last `keep_last` too: so never is the only good one among those that go.
    """
    good = [manifest for manifest in newest_first if manifest.is_verified]
    kept = {manifest.object for manifest in (*newest_first[:keep_last], *good[:keep_last])}
    oldest = now - timedelta(days=keep_days)
    return [
        manifest
        for manifest in newest_first
        if manifest.object not in kept and manifest.snapshot_at < oldest
    ]
