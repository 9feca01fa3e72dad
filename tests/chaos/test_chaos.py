"""A few schedules of work and faults; `make chaos` plays hundreds."""

import random
from collections.abc import Iterator

import pytest

from tests.chaos import report, schedules
from tests.chaos.rounds import Arena, started

# What has found something before; the first one's events come twice, and the disk is full.
SEEDS = (4, 4073477306, 421110231)


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    """A platform that may be damaged."""
    with started() as made:
        yield made


def test_a_seed_makes_the_same_schedule_each_time() -> None:
    assert schedules.make(7, 1000) == schedules.make(7, 1000)
    assert schedules.make(7, 1000) != schedules.make(8, 1000)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_nothing_is_lost_or_doubled_whatever_goes_wrong(
    arena: Arena, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds = (*SEEDS, random.randrange(2**32))

    found = arena.play(seeds)

    with capsys.disabled():
        print(f"\n  seeds {' '.join(map(str, seeds))}")
        print(report.table(found, arena.faults, 0))
    again = " ".join(f"--seed {seed}" for seed in seeds)
    assert found.wrong == [], f"python -m tests.chaos {again}"
    assert found.counts["rows lost"] == found.counts["rows doubled"] == 0
    assert found.counts["rows accepted"] > 20
    assert arena.faults.total() > 2
