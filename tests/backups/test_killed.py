"""A backup or restore that is killed at any moment leaves nothing, and can be repeated."""

import random

import pytest

from shared import tables
from tests.backups import killed
from tests.backups.killed import KILLED, Work
from tests.backups.rows import hires

pytestmark = pytest.mark.slow


HIRES = tables.find("hired_employees")
KILLS = 50
ROWS = 20_000


@pytest.fixture
def work(database_url, bucket, storage_endpoint):
    """A backup or restore of the hires, for a separate process."""
    return lambda what: Work(what, HIRES.name, database_url, bucket, storage_endpoint)


@pytest.fixture
def moments():
    """Random moments within some seconds, more of them near the end, where most happens."""
    chance = random.Random()
    return lambda seconds: seconds * chance.random() ** 0.7


def test_a_killed_backup_does_not_exist(database, parents, backups, work, moments, tell):
    database.fill(HIRES, hires(ROWS))
    code, seconds = killed.run(work("backup"))
    assert code == 0
    (complete,) = backups.catalog.newest_first(HIRES.name)
    backups.catalog.delete(complete)

    kills = finished = 0
    while kills < KILLS:
        code, took = killed.run(work("backup"), moments(seconds))
        kills += code == KILLED
        # The first run may have been slow; later ones would then finish before they are killed.
        seconds = min(seconds, took) if code == 0 else seconds
        for manifest in list(backups.catalog.newest_first(HIRES.name)):
            # The manifest is written last: a backup that has one is complete.
            finished += 1
            assert backups.verify(manifest).is_verified
            assert (manifest.rows, manifest.checksum) == (ROWS, complete.checksum)
            backups.catalog.delete(manifest)

    (again,) = backups.back_up([HIRES], "")
    assert again.checksum == complete.checksum
    tell(f"{kills} backups killed within {seconds:.2f} s each, {finished} finished before")


def test_a_killed_restore_changes_nothing(
    database, parents, backups, restored, work, moments, tell
):
    database.fill(HIRES, hires(ROWS))
    complete = database.rows(HIRES)
    backups.back_up([HIRES], "")
    change(database)
    changed = database.rows(HIRES)
    code, seconds = killed.run(work("restore"))
    assert code == 0
    assert database.rows(HIRES) == complete
    change(database)

    kills = finished = 0
    while kills < KILLS:
        code, took = killed.run(work("restore"), moments(seconds))
        kills += code == KILLED
        seconds = min(seconds, took) if code == 0 else seconds
        # Waits until the server has noticed that the restoring process is gone.
        database.ask("lock table hired_employees in exclusive mode")
        found, entries = database.rows(HIRES), database.ask("select count(*) from loads")[0][0]
        if found == complete:
            assert entries == finished + 2
            finished += 1
            change(database)
        else:
            assert found == changed
            assert entries == finished + 1

    assert restored(HIRES).changes["updated"].count == ROWS // 20
    assert database.rows(HIRES) == complete
    tell(f"{kills} restores killed within {seconds:.2f} s each, {finished} finished before")


def change(database):
    """Delete a tenth of the hires, change a twentieth and add some."""
    database.ask("delete from hired_employees where id % 10 = 0")
    database.ask("update hired_employees set name = 'Nobody' where id % 20 = 1")
    database.fill(HIRES, hires(500, ROWS + 1))
