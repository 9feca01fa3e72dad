"""The ports of a home: chosen once, then reused; a port in use is replaced."""

import random
import socket
from collections.abc import Callable, Mapping, Sequence

# Below the range of outgoing connections (from 32768 on Linux), so that no connection can use
# a part's port while that part restarts.
_FIRST, _LAST, _BLOCK = 20_000, 32_000, 40


def choose(
    names: Sequence[str],
    previous: Mapping[str, int],
    given: Mapping[str, int],
    is_free: Callable[[int], bool] | None = None,
) -> dict[str, int]:
    """Choose a port for each name.

    Args:
        names: the parts that need one.
        previous: the ports they had last time, reused if they are still free.
        given: the ports they must have, free or not.
        is_free: tests whether a port can be listened on.
    """
    is_free = is_free or can_listen
    ports = {name: given[name] for name in names if name in given}
    for name in names:
        if name not in ports and name in previous and is_free(previous[name]):
            ports[name] = previous[name]
    missing = [name for name in names if name not in ports]
    ports.update(zip(missing, _fresh(len(missing), set(ports.values()), is_free), strict=True))
    return ports


def _fresh(count: int, used: set[int], is_free: Callable[[int], bool]) -> list[int]:
    # Whole blocks, so that two platforms that choose at the same moment rarely collide.
    while True:
        start = random.randrange(_FIRST, _LAST, _BLOCK)  # noqa: S311  # nosec B311 # no secret
        block = [port for port in range(start, start + _BLOCK) if port not in used]
        free = [port for port in block if is_free(port)]
        if len(free) >= count:
            return free[:count]


def can_listen(port: int) -> bool:
    """Whether this port of 127.0.0.1 is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
