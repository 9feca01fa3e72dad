"""Work done in a thread of its own, in order, so that it overlaps with what leads up to it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_DEPTH = 2


def ahead(
    pool: Executor, work: Callable[[Item], Result], items: Iterable[Item], depth: int = _DEPTH
) -> Iterator[Result]:
    """The results of `work` on each item, in order, with `depth` of them under way.

    Items are made in the caller's thread. No more than `depth` are held.
    """
    under_way: deque[Future[Result]] = deque()
    for item in items:
        under_way.append(pool.submit(work, item))
        if len(under_way) > depth:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


class Stage(Generic[Item]):
    """A stage of a pipeline: items are put in at one end, and worked in a thread of its own.

    As a context it ends when all are worked; left by an error it ends after the one under way.

    Args:
        work: what is done with each item.
        depth: how many items may be under way; the next is kept waiting.
    """

    def __init__(self, work: Callable[[Item], object], depth: int = _DEPTH) -> None:
        self._work, self._depth = work, depth
        self._pool = ThreadPoolExecutor(1)
        self._under_way: deque[Future[object]] = deque()

    def put(self, item: Item) -> None:
        """Have an item worked; raises what the work on one before has raised."""
        while len(self._under_way) >= self._depth:
            self._under_way.popleft().result()
        self._under_way.append(self._pool.submit(self._work, item))

    def __enter__(self) -> "Stage[Item]":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            while self._under_way and error is None:
                self._under_way.popleft().result()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)
