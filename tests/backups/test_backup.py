"""A backup is a consistent snapshot, and exists only after it has been verified."""

import io
import json
import threading
from datetime import UTC, datetime, timedelta

import fastavro
import pytest

from shared import tables
from shared.avro import schemas, table_rows
from shared.backups import backup, catalog, snapshot
from shared.backups.errors import UnknownBackup, UnusableBackup
from shared.backups.snapshot import SnapshotDiffers
from shared.database.engine import transaction
from shared.errors import StorageUnavailable
from shared.settings import read
from tests.backups.rows import LOAD_ID, NOON, hires

JOBS = tables.find("jobs")
HIRES = tables.find("hired_employees")


def test_fastavro_reads_the_tables_rows_from_the_backup(database, parents, backups, content):
    database.fill(HIRES, hires(5000))

    (manifest,) = backups.back_up([HIRES], "ann")

    reader = fastavro.reader(io.BytesIO(content(manifest.object)))
    rows = sorted(reader, key=lambda row: row["id"])
    names = (*HIRES.names, "accepted_at", "load_id")
    own = (NOON, str(LOAD_ID))
    assert rows == [dict(zip(names, (*hire, *own), strict=True)) for hire in hires(5000)]
    assert reader.metadata["avro.schema"] == json.dumps(schemas.of_table(HIRES).declared)
    assert reader.metadata["tablegate.fingerprint"] == manifest.fingerprint
    assert (manifest.rows, manifest.sender, manifest.codec) == (5000, "ann", "deflate")


@pytest.mark.parametrize("codec", ["deflate", "snappy", "zstandard"])
def test_every_codec_is_written_and_verified(
    codec, database, database_url, bucket, engine, storage_client
):
    database.fill(JOBS, [(i, f"Job {i}") for i in range(1, 2000)])
    settings = read({"DATABASE_URL": database_url, "BACKUPS_BUCKET": bucket, "BACKUP_CODEC": codec})
    chosen = backup.Backups(settings, engine, storage_client)

    (manifest,) = chosen.back_up([JOBS], "")

    assert (manifest.codec, manifest.rows) == (codec, 1999)
    assert chosen.verify(manifest).is_verified


def test_an_empty_table_is_backed_up(backups, content):
    (manifest,) = backups.back_up([JOBS], "")

    assert (manifest.rows, manifest.checksum) == (0, "0" * 16)
    assert backups.catalog.find("jobs", "latest") == manifest
    assert list(fastavro.reader(io.BytesIO(content(manifest.object)))) == []


def test_all_tables_are_backed_up_from_one_snapshot(database, parents, backups, monkeypatch):
    write = backup.write_table

    def insert_and_write(moment, table, *others):
        # Committed after the snapshot and before the table is read: the backup must not see it.
        database.fill(
            JOBS, [(100 + len(others) + database.ask("select count(*) from jobs")[0][0], "late")]
        )
        return write(moment, table, *others)

    monkeypatch.setattr(backup, "write_table", insert_and_write)

    found = backups.back_up(list(tables.all_tables().values()), "")

    assert {manifest.table: manifest.rows for manifest in found} == {
        "departments": 3,
        "jobs": 3,
        "hired_employees": 0,
    }
    assert len({(manifest.id, manifest.snapshot_at) for manifest in found}) == 1


def test_a_table_cannot_be_truncated_between_the_snapshot_and_its_backup(
    database, parents, engine, backups, monkeypatch
):
    write, truncated_at = backup.write_table, []

    def truncate():
        with transaction(engine) as connection:
            connection.exec_driver_sql("truncate jobs, hired_employees")
        truncated_at.append(datetime.now(UTC))

    truncating = threading.Thread(target=truncate)

    def truncate_and_write(*arguments):
        if not truncating.ident:
            truncating.start()
            truncating.join(0.3)
        return write(*arguments)

    monkeypatch.setattr(backup, "write_table", truncate_and_write)
    found = backups.back_up(list(tables.all_tables().values()), "")
    truncating.join()

    assert {manifest.table: manifest.rows for manifest in found}["jobs"] == 3
    assert truncated_at


def test_every_page_is_read_with_small_ranges_too(database, parents, backups, monkeypatch):
    database.fill(HIRES, hires(3000))
    database.ask("delete from hired_employees where id % 2 = 0")
    monkeypatch.setattr(table_rows, "_FIRST_PAGES", 1)
    monkeypatch.setattr(table_rows, "_MOST_PAGES", 3)
    monkeypatch.setattr(table_rows, "TARGET_BYTES", 20_000)

    (manifest,) = backups.back_up([HIRES], "")

    assert manifest.rows == 1500


def test_a_backup_that_misses_rows_fails(database, parents, backups, monkeypatch):
    database.fill(HIRES, hires(3000))
    query = table_rows.range_query
    monkeypatch.setattr(
        table_rows, "range_query", lambda rows, start, *given: query(rows, start + 1, *given)
    )

    with pytest.raises(SnapshotDiffers, match="Of 3000 rows"):
        backups.back_up([HIRES], "")

    assert list(backups.catalog.newest_first(HIRES.name)) == []


def test_an_object_damaged_in_cloud_storage_is_not_a_backup(
    database, parents, backups, storage_client, bucket, monkeypatch
):
    write = backup.write_table

    def write_and_damage(moment, table, client, where, name, codec):
        seen = write(moment, table, client, where, name, codec)
        blob = client.bucket(where).blob(name)
        data = bytearray(blob.download_as_bytes())
        data[len(data) // 2] ^= 1
        blob.upload_from_string(bytes(data))
        return seen

    monkeypatch.setattr(backup, "write_table", write_and_damage)

    with pytest.raises(UnusableBackup):
        backups.back_up([JOBS], "")

    assert list(storage_client.list_blobs(bucket)) == []


def test_a_failed_backup_leaves_nothing(
    database, parents, backups, bucket, storage_client, monkeypatch
):
    database.fill(HIRES, hires(3000))

    def fails(self, table, receive):
        send(self, table, receive)
        raise RuntimeError("cut off")

    send = snapshot.Snapshot.send
    monkeypatch.setattr(snapshot.Snapshot, "send", fails)

    with pytest.raises(RuntimeError):
        backups.back_up([HIRES], "")

    assert list(storage_client.list_blobs(bucket)) == []


def test_the_latest_backup_is_the_newest_undamaged_one(database, backups, upload):
    database.fill(JOBS, [(1, "Welder")])
    (first,) = backups.back_up([JOBS], "")
    (second,) = backups.back_up([JOBS], "")
    assert backups.catalog.find("jobs", "latest") == second

    upload(b"broken", second.object)
    assert not backups.verify(second).is_verified

    assert backups.catalog.find("jobs", "latest") == first
    assert [found.id for found in backups.catalog.newest_first("jobs")] == [second.id, first.id]
    assert backups.catalog.find("jobs", second.id).damage


def test_a_backup_whose_object_is_gone_is_damaged(database, backups):
    (manifest,) = backups.back_up([JOBS], "")
    backups.catalog.delete_object(manifest.object)

    assert "is gone" in (backups.verify(manifest).damage or "")


def test_a_deleted_backup_is_unknown(backups, storage_client, bucket):
    (manifest,) = backups.back_up([JOBS], "")

    backups.catalog.delete(manifest)

    assert list(storage_client.list_blobs(bucket)) == []
    with pytest.raises(UnknownBackup):
        backups.catalog.find("jobs", manifest.id)


def test_a_deletion_that_is_cut_off_leaves_no_manifest_without_its_object(
    backups, storage_client, bucket, monkeypatch
):
    (manifest,) = backups.back_up([JOBS], "")
    delete, deleted = backups.catalog.delete_object, []

    def delete_one(name):
        if deleted:
            raise StorageUnavailable("Cloud Storage is away.")
        deleted.append(name)
        delete(name)

    monkeypatch.setattr(backups.catalog, "delete_object", delete_one)
    with pytest.raises(StorageUnavailable):
        backups.catalog.delete(manifest)

    assert [blob.name for blob in storage_client.list_blobs(bucket)] == [manifest.object]
    later = datetime.now(UTC) + timedelta(days=1)
    assert backups.catalog.leftovers("jobs", later) == [manifest.object]


OTHER_NAMES = (
    *("jobs/notes", "jobs/20260102T020000Z-5f3a9c1e7b20", "jobs/5f3a9c1e7b20"),
    *("jobs/20260102T020000.123456Z-5f3a9c1e7b2", "jobs/20260102T020000.123456Z-5F3A9C1E7B20"),
    *("jobs/old/20260102T020000.123456Z-5f3a9c1e7b20", "/20260102T020000.123456Z-5f3a9c1e7b20"),
    *("20260102T020000.123456Z-5f3a9c1e7b20", "jobs/20260102T020000.123456Z-5f3a9c1e7b20.copy"),
)


def test_other_objects_in_the_bucket_are_not_backups(backups, upload, content, capfd):
    (one,) = backups.back_up([JOBS], "")
    backups.catalog.delete_object(one.object)
    for name in OTHER_NAMES:
        upload(content(one.name), f"{name}.json")
        upload(b"x", f"{name}.avro")
    backups.catalog.delete_object(one.name)
    damaged = "jobs/20260102T020000.123456Z-5f3a9c1e7b20"
    upload(b"not json", f"{damaged}.json")
    later = datetime.now(UTC) + timedelta(days=400)

    assert list(backups.catalog.newest_first("jobs")) == []
    assert backups.expire([JOBS], later) == []
    assert backups.catalog.leftovers("jobs", later) == []
    printed = capfd.readouterr()
    skipped = [line for line in (printed.out + printed.err).splitlines() if "skipped" in line]
    assert {json.loads(line)["object"] for line in skipped} == {f"{damaged}.json"}


def test_an_object_without_a_manifest_is_left_over_if_it_was_written_before_a_moment(
    backups, upload, storage_client, bucket
):
    backups.back_up([JOBS], "")
    name = upload(b"half", "jobs/20200101T000000.000000Z-0123456789ab.avro")
    written_at = storage_client.bucket(bucket).get_blob(name).time_created

    assert backups.catalog.leftovers("jobs", written_at) == []
    assert backups.catalog.leftovers("jobs", written_at + timedelta(microseconds=1)) == [name]


def test_a_backup_and_its_damage_are_logged(backups, database, upload, capfd):
    database.fill(JOBS, [(1, "Welder"), (2, "Tester")])

    (manifest,) = backups.back_up([JOBS], "")
    upload(b"broken", manifest.object)
    backups.verify(manifest)

    printed = capfd.readouterr()
    made, damaged = json.loads(printed.out), json.loads(printed.err)
    assert (made["message"], made["backup"]) == ("A table was backed up", manifest.id)
    assert (made["table"], made["rows"], made["size_bytes"]) == ("jobs", 2, manifest.size_bytes)
    assert 0 <= made["seconds"] < 60
    assert (damaged["severity"], damaged["backup"]) == ("ERROR", manifest.id)
    assert damaged["logging.googleapis.com/labels"] == {"alert": "backup-damaged"}


def manifest(age_days, *, damage=None):
    moment = NOON - timedelta(days=age_days)
    return catalog.Manifest(
        id=f"{age_days:012x}",
        table="jobs",
        object=catalog.object_name("jobs", moment, f"{age_days:012x}"),
        rows=1,
        size_bytes=1,
        crc32c="",
        checksum="",
        fingerprint="",
        codec="deflate",
        schema={},
        snapshot_at=moment,
        created_at=moment,
        sender="",
        scheduled=True,
        verified_at=moment,
        damage=damage,
    )


@pytest.mark.parametrize(
    ("ages", "damaged", "expired"),
    [
        ([0, 1, 2], [], []),
        ([0, 10, 31, 40], [], [40]),
        ([0, 1, 2, 30, 31], [], [31]),
        ([100, 200, 300, 400], [], [400]),
        ([0, 1, 40, 50, 60], [0, 1], []),
        ([40, 50, 60, 70], [40, 50, 60], []),
        ([40, 50, 60, 70, 80, 90], [40, 60], [90]),
        ([], [], []),
    ],
)
def test_old_backups_expire_except_the_last_and_the_last_undamaged_ones(ages, damaged, expired):
    newest_first = [manifest(age, damage="d" if age in damaged else None) for age in ages]

    found = catalog.expired(newest_first, NOON, keep_days=30, keep_last=3)

    assert [(NOON - one.snapshot_at).days for one in found] == expired


def test_expired_backups_are_deleted_and_objects_without_a_manifest_reported(
    database, database_url, bucket, engine, storage_client, upload, capfd
):
    settings = read(
        {
            "DATABASE_URL": database_url,
            "BACKUPS_BUCKET": bucket,
            "BACKUP_KEEP_DAYS": "1",
            "BACKUP_KEEP_LAST": "2",
        }
    )
    backups = backup.Backups(settings, engine, storage_client)
    created = [backups.back_up([JOBS], "")[0] for _ in range(4)]
    half = upload(b"half", "jobs/20200101T000000.000000Z-0123456789ab.avro")

    # It could still be a backup in progress.
    assert backups.expire([JOBS], datetime.now(UTC) + timedelta(hours=23)) == []
    assert storage_client.bucket(bucket).blob(half).exists()
    expired = backups.expire([JOBS], datetime.now(UTC) + timedelta(hours=25))

    assert sorted(one.id for one in expired) == sorted(one.id for one in created[:2])
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    deleted = {line["backup"] for line in lines if "expired" in line["message"]}
    assert deleted == {one.id for one in expired}
    (kept,) = [line for line in lines if "no manifest" in line["message"]]
    assert (kept["object"], kept["logging.googleapis.com/labels"]) == (
        half,
        {"alert": "backup-without-manifest"},
    )
    assert sorted(blob.name for blob in storage_client.list_blobs(bucket)) == sorted(
        [half, *(name for one in created[2:] for name in (one.name, one.object))]
    )
