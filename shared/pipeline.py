"""Runs work in order in a separate thread, so that it overlaps with the steps around it."""

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from queue import Empty, Full, Queue
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")

_DEPTH = 2
_TICK_SECONDS = 0.2
# Both sides compute in Python, and one of them waits for the network many times a second. Each time
# it would then wait the default 5 ms for the other to yield: a fifth of a load's time, measured.
_SWITCH_SECONDS = 0.0001


@contextmanager
def prefetch(items: Iterable[Item], depth: int = 1) -> Iterator[Iterator[Item]]:
    """Iterate over `items` in a separate thread, `depth` items ahead.

    If making an item fails, the error is raised when that item is reached. The thread ends with
    the context, however that ends. From then on the process switches between threads more often.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    made: Queue[tuple[bool, Item | BaseException | None]] = Queue(maxsize=depth)
    stopped = threading.Event()

    def put(last: bool, item: Item | BaseException | None) -> None:
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
        except BaseException as error:  # noqa: BLE001 - raised again where the item is wanted
            put(True, error)

    def used() -> Iterator[Item]:
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
        # Make room, in case the thread is waiting to put its item.
        with suppress(Empty):
            made.get_nowait()
        worker.join()


class Stage(Generic[Item]):
    """A stage of a pipeline: works the items that are put in, in a separate thread.

    As a context it ends when all items are worked; on an error it ends after the current one.

    Args:
        work: what to do with each item.
        depth: how many items may be in progress; `put` blocks until there is room for the next.
    """

    def __init__(self, work: Callable[[Item], object], depth: int = _DEPTH) -> None:
        self._work, self._depth = work, depth
        self._pool = ThreadPoolExecutor(1)
        self._in_progress: deque[Future[object]] = deque()

    def put(self, item: Item) -> None:
        """Have an item worked. Raises what the work on an earlier item raised."""
        while len(self._in_progress) >= self._depth:
            self._in_progress.popleft().result()
        self._in_progress.append(self._pool.submit(self._work, item))

    def __enter__(self) -> "Stage[Item]":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            while self._in_progress and error is None:
                self._in_progress.popleft().result()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)
