"""What is put off until a process first needs it: imported and made by one thread at a time.

Threads that import modules which need each other would each wait for the other's; Python notices,
and gives one of them half a module, or an error. A process whose first calls came together answered
some of them with one.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import update_wrapper
from typing import Generic, TypeVar

T = TypeVar("T")
# Making a thing imports modules, and may make another thing first.
_ALONE = threading.RLock()


@contextmanager
def importing() -> Iterator[None]:
    """Import inside as no other thread does."""
    with _ALONE:
        yield


class Once(Generic[T]):
    """A thing that is made at the first call, once, and given at every one.

    Args:
        make: makes it; where that fails, the next call tries again.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: list[T] = []
        update_wrapper(self, make)

    def __call__(self) -> T:
        """The thing."""
        if not self._made:
            with _ALONE:
                if not self._made:
                    self._made.append(self._make())
        return self._made[0]

    @property
    def is_made(self) -> bool:
        """Whether it is there, so that it may be let go of."""
        return bool(self._made)

    def forget(self) -> None:
        """Make it anew at the next call."""
        self._made.clear()
