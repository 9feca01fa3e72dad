"""Work done in a thread of its own keeps its order and its errors, and leaves no thread behind."""

import threading

import pytest

from shared.pipeline import Stage, prefetch


def test_prefetched_items_come_in_their_order():
    with prefetch(range(100)) as found:
        assert list(found) == list(range(100))


def test_the_next_item_is_made_while_the_present_one_is_used():
    made = threading.Semaphore(0)

    def items():
        for number in range(3):
            yield number
            made.release()

    with prefetch(items()) as found:
        assert next(found) == 0
        assert made.acquire(timeout=5)


def test_an_error_comes_where_its_item_would_have():
    def items():
        yield 1
        raise ValueError("second")

    with prefetch(items()) as found:
        assert next(found) == 1
        with pytest.raises(ValueError, match="second"):
            next(found)


def test_stopping_early_ends_the_thread():
    before = threading.active_count()

    with prefetch(iter(int, 1)) as found:
        next(found)

    assert threading.active_count() == before


def test_an_error_of_the_user_ends_the_thread_too():
    before = threading.active_count()

    with pytest.raises(RuntimeError), prefetch(iter(int, 1)):
        raise RuntimeError("the user's own")

    assert threading.active_count() == before


def test_a_stage_works_all_items_in_their_order():
    worked = []

    with Stage(worked.append) as stage:
        for number in range(100):
            stage.put(number)

    assert worked == list(range(100))


def test_a_stage_takes_no_more_items_than_its_depth():
    go_on, put = threading.Event(), []

    def fill():
        with Stage(lambda _: go_on.wait(5), depth=2) as stage:
            for number in range(4):
                stage.put(number)
                put.append(number)

    filling = threading.Thread(target=fill)
    filling.start()
    filling.join(0.2)
    held = list(put)
    go_on.set()
    filling.join()

    assert held == [0, 1]
    assert put == [0, 1, 2, 3]


def test_an_error_in_a_stage_comes_to_who_puts_items_in():
    before = threading.active_count()

    def fails(item):
        raise ValueError(item)

    with pytest.raises(ValueError, match="first"), Stage(fails) as stage:
        stage.put("first")

    assert threading.active_count() == before


def test_an_error_of_the_user_ends_a_stage_after_the_current_item():
    before, go_on, worked = threading.active_count(), threading.Event(), []

    def work(item):
        go_on.wait(5)
        worked.append(item)

    with pytest.raises(RuntimeError), Stage(work) as stage:
        stage.put(1)
        stage.put(2)
        threading.Timer(0.1, go_on.set).start()
        raise RuntimeError("the user's own")

    assert 2 not in worked
    assert threading.active_count() == before
