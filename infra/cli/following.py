"""Follows loads until they have ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from infra.cli.client import Client
from infra.cli.errors import FAILED, OK, SOME_REJECTED

ENDED = ("done", "failed")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0


def follow(
    client: Client, load_ids: Sequence[str], show: Callable[[list[dict[str, Any]]], None]
) -> Iterator[dict[str, Any]]:
    """Yield each load once it has ended, and show those that have not from time to time."""
    left, pause = list(load_ids), _FIRST_PAUSE
    while left:
        running = []
        for load_id in list(left):
            # Who may send rows may ask this, too.
            found = client.get(f"/dashboard/loads/{load_id}")
            if found["state"] in ENDED:
                left.remove(load_id)
                pause = _FIRST_PAUSE
                yield found
            else:
                running.append(found)
        show(running)
        if left:
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)


def exit_code(loads: Sequence[dict[str, Any]]) -> int:
    """Return the exit code for loads that have ended."""
    if any(one["state"] == "failed" for one in loads):
        return FAILED
    return SOME_REJECTED if any(one["counts"]["rejected"] for one in loads) else OK
