"""Items made ahead come in order, with their errors, and leave no thread behind."""

import threading

import pytest

from shared.loading.ahead import ahead


def test_items_come_in_their_order():
    with ahead(range(100)) as found:
        assert list(found) == list(range(100))


def test_the_next_item_is_made_while_the_present_one_is_used():
    made = threading.Semaphore(0)

    def items():
        for number in range(3):
            yield number
            made.release()

    with ahead(items()) as found:
        assert next(found) == 0
        assert made.acquire(timeout=5)


def test_an_error_comes_where_its_item_would_have():
    def items():
        yield 1
        raise ValueError("second")

    with ahead(items()) as found:
        assert next(found) == 1
        with pytest.raises(ValueError, match="second"):
            next(found)


def test_stopping_early_ends_the_thread():
    before = threading.active_count()

    with ahead(iter(int, 1)) as found:
        next(found)

    assert threading.active_count() == before


def test_an_error_of_the_user_ends_the_thread_too():
    before = threading.active_count()

    with pytest.raises(RuntimeError), ahead(iter(int, 1)):
        raise RuntimeError("the user's own")

    assert threading.active_count() == before
