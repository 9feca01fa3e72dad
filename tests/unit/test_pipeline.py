"""Work in a background thread keeps its order, raises its errors and leaves no thread behind."""

import threading

import pytest

from shared.pipeline import Stage, prefetch


def test_prefetched_items_come_in_order():
    with prefetch(range(100)) as found:
        assert list(found) == list(range(100))


def test_the_next_item_is_produced_while_the_current_one_is_used():
    produced = threading.Semaphore(0)

    def items():
        for number in range(3):
            yield number
            produced.release()

    with prefetch(items()) as found:
        assert next(found) == 0
        assert produced.acquire(timeout=5)


def test_an_error_is_raised_in_place_of_its_item():
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


def test_an_error_in_the_with_block_ends_the_thread():
    before = threading.active_count()

    with pytest.raises(RuntimeError), prefetch(iter(int, 1)):
        raise RuntimeError("the user's own")

    assert threading.active_count() == before


def test_a_stage_processes_all_items_in_order():
    processed = []

    with Stage(processed.append) as stage:
        for number in range(100):
            stage.put(number)

    assert processed == list(range(100))


def test_a_stage_holds_no_more_items_than_its_depth():
    proceed, put = threading.Event(), []

    def fill():
        with Stage(lambda _: proceed.wait(5), depth=2) as stage:
            for number in range(4):
                stage.put(number)
                put.append(number)

    filling = threading.Thread(target=fill)
    filling.start()
    filling.join(0.2)
    held = list(put)
    proceed.set()
    filling.join()

    assert held == [0, 1]
    assert put == [0, 1, 2, 3]


def test_an_error_in_a_stage_is_raised_to_the_producer():
    before = threading.active_count()

    def fails(item):
        raise ValueError(item)

    with pytest.raises(ValueError, match="first"), Stage(fails) as stage:
        stage.put("first")

    assert threading.active_count() == before


def test_an_error_in_the_with_block_ends_a_stage_after_the_current_item():
    before, proceed, processed = threading.active_count(), threading.Event(), []

    def work(item):
        proceed.wait(5)
        processed.append(item)

    with pytest.raises(RuntimeError), Stage(work) as stage:
        stage.put(1)
        stage.put(2)
        threading.Timer(0.1, proceed.set).start()
        raise RuntimeError("the user's own")

    assert 2 not in processed
    assert threading.active_count() == before
