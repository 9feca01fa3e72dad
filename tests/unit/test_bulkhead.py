"""A part that hangs takes only its places, and nobody waits for one that will not be free."""

import threading

import pytest

from shared.bulkhead import Bulkhead, Full


@pytest.fixture
def taken():
    """Takes a place of a bulkhead in another thread, until the test's end or until it is freed."""
    threads = []

    def act(bulkhead):
        has_place, free = threading.Event(), threading.Event()

        def hold():
            with bulkhead.place():
                has_place.set()
                free.wait(60)

        thread = threading.Thread(target=hold)
        thread.start()
        threads.append((thread, free))
        assert has_place.wait(60)
        return free.set

    yield act
    for thread, free in threads:
        free.set()
        thread.join()


def test_there_is_no_place_while_all_are_held_for_too_long(taken):
    bulkhead = Bulkhead(2, patience_seconds=0.05)
    taken(bulkhead)
    with bulkhead.place():
        pass
    taken(bulkhead)

    with pytest.raises(Full), bulkhead.place():
        pass


def test_a_place_that_becomes_free_is_taken(taken):
    bulkhead = Bulkhead(1, patience_seconds=60)
    free = taken(bulkhead)
    threading.Timer(0.05, free).start()

    with bulkhead.place():
        pass


def test_a_place_is_free_again_after_an_error():
    bulkhead = Bulkhead(1, patience_seconds=0.05)
    for _ in range(2):
        with pytest.raises(KeyError), bulkhead.place():
            raise KeyError
