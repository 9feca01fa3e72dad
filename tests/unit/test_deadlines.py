"""The seconds that are left for what a call waits for."""

from shared import deadlines


def test_there_is_no_limit_unless_one_is_given():
    assert deadlines.left() is None
    assert deadlines.at_most(7) == 7
    with deadlines.within(100), deadlines.within(None):
        assert deadlines.left() is None


def test_the_inner_limit_counts_and_the_outer_one_returns():
    with deadlines.within(1000):
        with deadlines.within(10):
            assert 5 < deadlines.left() <= 10
            assert deadlines.at_most(3) == 3
            assert 5 < deadlines.at_most(500) <= 10
        assert 900 < deadlines.left() <= 1000


def test_what_is_left_is_never_zero():
    with deadlines.within(-5):
        assert deadlines.left() > 0
