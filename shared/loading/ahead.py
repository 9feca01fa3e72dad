"""Working ahead: the next item is made while the present one is used."""

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Full, Queue
from typing import TypeVar

T = TypeVar("T")
_TICK_SECONDS = 0.2
# Both sides compute in Python, and one of them waits for the network many times a second: each time
# it would wait the default 5 ms more, until the other lets go. A fifth of a load's time, measured.
_SWITCH_SECONDS = 0.0001


@contextmanager
def ahead(items: Iterable[T], depth: int = 1) -> Iterator[Iterator[T]]:
    """Iterate over `items` in a thread of their own, `depth` of them ahead.

    What the making of an item raises is raised where it would have been used. At the end of the
    context the thread is gone, however it ended. Threads of the process change over faster from
    then on.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    made: Queue[tuple[bool, T | BaseException | None]] = Queue(maxsize=depth)
    stopped = threading.Event()

    def put(last: bool, item: T | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                made.put((last, item), timeout=_TICK_SECONDS)
            except Full:
                continue
            return

    def work() -> None:
        try:
            for item in items:
                put(False, item)
                if stopped.is_set():
                    return
            put(True, None)
        except BaseException as error:  # noqa: BLE001 - raised again where the item was wanted
            put(True, error)

    def used() -> Iterator[T]:
        while True:
            last, item = made.get()
            if isinstance(item, BaseException):
                raise item
            if last:
                return
            yield item  # type: ignore[misc]

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        yield used()
    finally:
        stopped.set()
        # A maker that waits to hand over its item is let go.
        with suppress(Empty):
            made.get_nowait()
        worker.join()
