"""Counts of a load's rows add up."""

from shared.loading.ledger import OUTCOMES, Counts


def test_what_was_read_is_the_sum_of_the_outcomes():
    assert Counts().read == 0
    assert Counts(1, 2, 4, 8, 16, 32).read == 63
    assert Counts(1, 2, 4, 8, 16, 32, deleted=64).read == 63
    assert Counts(1, 2, 4, 8, 16, 32, deleted=64).by_name() == dict(
        zip((*OUTCOMES, "deleted"), (1, 2, 4, 8, 16, 32, 64), strict=True)
    )


def test_counts_are_added_outcome_by_outcome():
    assert Counts(1, 2, 4, 8, 16, 32) + Counts(6, 5, 4, 3, 2, 1) == Counts(7, 7, 8, 11, 18, 33)
