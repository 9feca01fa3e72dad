"""What is put off until first use, when the first uses come together."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.first_use import Once, importing

THREADS = 8


def test_a_thing_is_made_once_however_many_ask_at_once():
    made = []

    @Once
    def thing():
        time.sleep(0.05)
        made.append(threading.get_ident())
        return object()

    with ThreadPoolExecutor(THREADS) as pool:
        given = list(pool.map(lambda _: thing(), range(THREADS)))

    assert len(made) == 1
    assert len(set(map(id, given))) == 1
    thing.forget()
    assert thing() is not given[0]


def test_what_could_not_be_made_is_tried_again():
    answers = iter([ZeroDivisionError, "made"])

    @Once
    def thing():
        answer = next(answers)
        if answer != "made":
            raise answer
        return answer

    with pytest.raises(ZeroDivisionError):
        thing()
    assert thing() == "made"


def test_threads_import_one_after_the_other():
    inside, most = [], []

    def use(_):
        with importing(), importing():
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(use, range(THREADS)))

    assert most == [1] * THREADS
