"""Restores and loads of one table exclude each other, and no accepted row is lost."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from shared import tables
from shared.backups import restore as restores
from shared.backups.errors import Unconfirmed
from shared.database.engine import transaction
from shared.errors import DatabaseBusy
from shared.loading import batches, waiting
from shared.loading.batches import Batch
from shared.loading.ledger import Source
from shared.loading.load import load
from shared.validation.json_batch import check
from tests.backups.rows import hires

JOBS = tables.find("jobs")
HIRES = tables.find("hired_employees")
SENDERS, BATCHES, ROWS = 4, 25, 20
RESTORES = 8


def batch(first, rows):
    """A batch as it arrives from Pub/Sub."""
    body = b",".join(
        b'{"id":%d,"name":"n","datetime":"2026-01-01T12:00:00Z","department_id":1,"job_id":1}' % i
        for i in range(first, first + rows)
    )
    verdict = check(HIRES, b'{"rows":[%b]}' % body)
    sent = Batch(uuid4(), HIRES, "ann", datetime.now(UTC), verdict)
    return batches.unpack(*batches.pack(sent, b'{"rows":[%b]}' % body))


def store(engine, batch):
    """Store a batch as store_rows does."""
    source = Source(
        identity=str(batch.batch_id),
        kind=batch.kind,
        table_name=batch.table.name,
        accepted_at=batch.accepted_at,
        sender=batch.sender,
        batch_id=batch.batch_id,
    )
    entry = load(engine, source, lambda: [batch.block()], lock_timeout_seconds=30)
    list(waiting.release_after(engine, entry))


def confirmed(restored, **options):
    """Restore the hires, however many rows that deletes: each try may find more of them."""
    count = None
    while True:
        try:
            return restored(HIRES, confirmed=count, **options)
        except Unconfirmed as error:
            count = error.count


@pytest.mark.parametrize("mode", ["replace", "merge"])
def test_no_batch_stored_during_restores_is_lost(
    mode, database, parents, backups, restored, engine
):
    database.fill(HIRES, hires(500))
    backups.back_up([HIRES], "")

    def send(sender):
        for number in range(BATCHES):
            first = 10_000 + (sender * BATCHES + number) * ROWS
            store(engine, batch(first, ROWS))

    with ThreadPoolExecutor(SENDERS) as pool:
        sending = [pool.submit(send, sender) for sender in range(SENDERS)]
        for _ in range(RESTORES):
            confirmed(restored, mode=mode)
        for one in sending:
            one.result()
    last = restored(HIRES, mode=mode, dry_run=True)

    accepted = SENDERS * BATCHES * ROWS
    assert database.ask("select count(*), sum(inserted) from loads where kind = 'batch'") == [
        (SENDERS * BATCHES, accepted)
    ]
    # Each row is present, or was deleted by a restore that the ledger lists after its batch.
    present = {row[0] for row in database.ask("select id from hired_employees where id >= 10000")}
    deleted = {
        row[0]
        for row in database.ask(
            "select cast(w.key ->> 'id' as bigint) from row_versions w"
            " join loads b on b.load_id = w.load_id"
            " join loads r on r.load_id = w.replaced_by"
            " where r.kind = 'restore' and b.finished_at < r.finished_at"
        )
    }
    assert present | deleted == set(range(10_000, 10_000 + accepted))
    assert not present & deleted
    # The ledger alone shows which.
    stale = database.ask(
        "select count(*) from hired_employees h join loads b on b.load_id = h.load_id"
        " where b.finished_at < (select max(finished_at) from loads where kind = 'restore')"
    )
    assert stale == [(0,)] if mode == "replace" else not deleted
    assert last.changes["unchanged"].count == 500


def test_a_load_waits_for_a_restore_and_readers_see_the_table_before_or_after(
    database, parents, backups, restored, engine, monkeypatch
):
    database.fill(HIRES, hires(500))
    backups.back_up([HIRES], "")
    database.ask("delete from hired_employees where id <= 100")
    reached, proceed = threading.Event(), threading.Event()
    record = restores._Restore.record

    def held(self, *given):
        record(self, *given)
        reached.set()
        assert proceed.wait(20)

    monkeypatch.setattr(restores._Restore, "record", held)
    with ThreadPoolExecutor(2) as pool:
        restoring = pool.submit(restored, HIRES)
        assert reached.wait(20)
        storing = pool.submit(store, engine, batch(10_000, 1))

        # The changes are made but not committed: readers neither wait nor see them, a load waits.
        assert database.ask("select count(*) from hired_employees") == [(400,)]

        with pytest.raises(TimeoutError):
            storing.result(0.5)

        proceed.set()
        restoring.result()
        storing_failed = storing.exception()

    assert storing_failed is None
    assert database.ask("select count(*) from hired_employees") == [(501,)]


def test_a_restore_waits_for_a_load_and_times_out(
    database, parents, backups, engine, storage_client
):
    backups.back_up([JOBS], "")
    manifest = backups.catalog.find("jobs", "latest")
    request = restores.RestoreRequest(JOBS, backups.catalog.stored(manifest.object), manifest)

    with transaction(engine) as loading:
        loading.exec_driver_sql("select pg_advisory_xact_lock_shared(hashtext('tablegate jobs'))")
        with pytest.raises(DatabaseBusy):
            restores.restore(engine, storage_client, request, 1)

    assert restores.restore(engine, storage_client, request, 1).rows == 3


@pytest.mark.parametrize(
    "change", ["insert into jobs values (9, 'x', now(), gen_random_uuid())", "delete from jobs"]
)
def test_a_restore_waits_for_changes_that_are_no_loads_too(
    database, parents, backups, engine, restored, change
):
    backups.back_up([JOBS], "")

    with engine.connect() as by_hand:
        by_hand.exec_driver_sql(change)
        assert restored(JOBS, dry_run=True, lock_timeout_seconds=1).load_id is None
        with pytest.raises(DatabaseBusy):
            restored(JOBS, lock_timeout_seconds=1)
        by_hand.commit()

    restored(JOBS, lock_timeout_seconds=1)
    assert database.ask("select id from jobs order by id") == [(1,), (2,), (3,)]


def test_changes_that_are_no_loads_wait_for_a_restore_and_readers_do_not(
    database, parents, backups, engine, restored, monkeypatch
):
    backups.back_up([JOBS], "")
    database.ask("delete from jobs where id = 3")
    check = restores._Restore.check_references
    found = []

    def meanwhile(self):
        check(self)
        with transaction(engine, lock_timeout_seconds=1) as reader:
            found.append(reader.exec_driver_sql("select count(*) from jobs").scalar())
        with pytest.raises(DatabaseBusy), transaction(engine, lock_timeout_seconds=1) as by_hand:
            by_hand.exec_driver_sql("insert into jobs values (3, 'x', now(), gen_random_uuid())")

    monkeypatch.setattr(restores._Restore, "check_references", meanwhile)

    assert restored(JOBS).changes["inserted"].count == 1
    assert found == [2]


def test_a_dry_run_reports_on_one_moment(database, parents, backups, engine, restored, monkeypatch):
    backups.back_up([JOBS], "")
    database.fill(JOBS, [(4, "Late")])
    check = restores._Restore.check_children

    def meanwhile(self):
        with transaction(engine, lock_timeout_seconds=1) as by_hand:
            by_hand.exec_driver_sql(
                "insert into hired_employees values (1, 'x', now(), 1, 4, now(), gen_random_uuid())"
            )
        check(self)

    monkeypatch.setattr(restores._Restore, "check_children", meanwhile)

    # The job was free to go when the run began.
    assert restored(JOBS, dry_run=True).changes["deleted"].count == 1


def test_backups_during_loads_are_consistent_snapshots(database, parents, backups, engine):
    stop = threading.Event()
    stored = []

    def send():
        while not stop.is_set():
            store(engine, batch(1 + len(stored) * ROWS, ROWS))
            stored.append(ROWS)

    sending = threading.Thread(target=send)
    sending.start()
    try:
        found = [backups.back_up([HIRES], "")[0] for _ in range(6)]
    finally:
        stop.set()
        sending.join()

    # A batch is in a backup whole or not at all, and once in a backup it is in all later ones.
    assert all(manifest.rows % ROWS == 0 for manifest in found)
    assert [manifest.rows for manifest in found] == sorted(manifest.rows for manifest in found)
    assert len(stored) > 5
