"""Uploaded files whose events are lost, repeated or late."""

import gzip
import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared import tables
from shared.database.engine import transaction
from shared.errors import PermanentError, StorageUnavailable
from shared.loading import ledger
from shared.loading.batches import Batch
from shared.loading.ledger import Source
from shared.loading.load import load
from shared.loading.uploads import Uploads
from shared.settings import read
from shared.storage import ObjectStore
from shared.validation.json_batch import Verdict
from tests.database.moments import NOON


@pytest.fixture
def uploads(quiet_project, engine, storage_client, publisher, new_buckets):
    """Uploads from buckets without subscribers, into this test's database."""
    settings = read(
        {
            "GOOGLE_CLOUD_PROJECT": quiet_project,
            "SWEEP_AGE_SECONDS": "60",
            **new_buckets(),
        }
    )
    return Uploads(settings, engine, ObjectStore(storage_client), publisher)


def put(uploads, name, content, metadata=None):
    blob = uploads.objects.client.bucket(uploads.settings.uploads_bucket).blob(name)
    blob.metadata = metadata
    blob.upload_from_string(content)
    return blob


def names(uploads, bucket):
    return sorted(blob.name for blob in uploads.objects.client.list_blobs(bucket))


def test_the_sweep_loads_old_files_and_leaves_new_ones(uploads, rows):
    put(uploads, "jobs.csv", "1,Welder\n")
    put(uploads, "nonsense.txt", "x")

    assert uploads.sweep(datetime.now(UTC)) == []
    swept = uploads.sweep(datetime.now(UTC) + timedelta(seconds=61))

    assert sorted(stored.name for stored in swept) == ["jobs.csv", "nonsense.txt"]
    assert rows("select job from jobs") == [("Welder",)]
    assert names(uploads, uploads.settings.uploads_bucket) == []
    assert names(uploads, uploads.settings.processed_bucket) == ["jobs.csv"]
    assert names(uploads, uploads.settings.failed_bucket) == [
        "nonsense.txt",
        "nonsense.txt.report.json",
    ]


def test_an_event_for_an_archived_file_is_answered_from_the_ledger(uploads, rows):
    blob = put(uploads, "jobs.csv", "1,Welder\n")
    bucket = uploads.settings.uploads_bucket
    first = uploads.ingest(bucket, "jobs.csv", blob.generation)

    again = uploads.ingest(bucket, "jobs.csv", blob.generation)

    assert again is not None
    assert again.load_id == first.load_id
    assert not again.first_time
    assert rows("select count(*) from loads") == [(1,)]


def test_an_event_for_a_file_that_its_sender_deleted_changes_nothing(uploads, rows, capfd):
    blob = put(uploads, "jobs.csv", "1,Welder\n")
    blob.delete()

    assert uploads.ingest(uploads.settings.uploads_bucket, "jobs.csv", blob.generation) is None
    assert rows("select count(*) from loads") == [(0,)]
    (line,) = map(json.loads, capfd.readouterr().out.splitlines())
    assert (line["severity"], line["file"]) == ("WARNING", "jobs.csv")


def test_a_load_interrupted_before_archiving_is_finished_by_the_next_delivery(uploads, rows):
    blob = put(uploads, "jobs.csv", "1,Welder\n2,\n")
    bucket = uploads.settings.uploads_bucket
    stored = uploads.ingest(bucket, "jobs.csv", blob.generation)
    # As if it was interrupted after its commit: the file is in uploads again.
    source = uploads.objects.client.bucket(uploads.settings.processed_bucket)
    source.delete_blobs([*source.list_blobs()])
    again = put(uploads, "jobs.csv", "1,Welder\n2,\n")

    entry = uploads.ingest(bucket, "jobs.csv", again.generation)

    assert stored is not None
    assert entry is not None
    assert entry.counts.unchanged == 1
    assert names(uploads, uploads.settings.processed_bucket) == [
        "jobs.csv",
        "jobs.csv.rejected.csv",
    ]


def test_a_failed_file_that_was_not_archived_is_finished_by_the_next_delivery(uploads, rows):
    blob = put(uploads, "nonsense.txt", "x")
    bucket = uploads.settings.uploads_bucket
    source = Source(f"gs://{bucket}/nonsense.txt#{blob.generation}", "file", None, NOON)
    with transaction(uploads.engine) as connection:
        ledger.fail(connection, source, {"code": "from the first delivery"})

    entry = uploads.ingest(bucket, "nonsense.txt", blob.generation)

    assert (entry.state, entry.error) == ("failed", {"code": "from the first delivery"})
    assert rows("select count(*) from loads") == [(1,)]
    assert names(uploads, bucket) == []
    assert names(uploads, uploads.settings.failed_bucket) == [
        "nonsense.txt",
        "nonsense.txt.report.json",
    ]


def test_another_file_with_the_same_name_does_not_overwrite_the_first(uploads):
    for number, text in enumerate(("1,Welder\n", "1,Smith\n")):
        blob = put(uploads, "jobs/a.csv", text)
        uploads.ingest(uploads.settings.uploads_bucket, "jobs/a.csv", blob.generation)
        assert len(names(uploads, uploads.settings.processed_bucket)) == number + 1

    first, second = names(uploads, uploads.settings.processed_bucket)
    bucket = uploads.objects.client.bucket(uploads.settings.processed_bucket)
    contents = {bucket.blob(name).download_as_bytes() for name in (first, second)}
    assert contents == {b"1,Welder\n", b"1,Smith\n"}


def test_a_file_too_large_for_one_call_fails_and_names_the_settings_for_dataflow(uploads, rows):
    uploads.settings = replace(uploads.settings, backfill_from_bytes=10)
    blob = put(uploads, "jobs.csv", "1,Welder\n2,Tester\n")

    uploads.ingest(uploads.settings.uploads_bucket, "jobs.csv", blob.generation)

    assert rows("select state, error ->> 'code' from loads") == [("failed", "too_large")]
    bucket = uploads.objects.client.bucket(uploads.settings.failed_bucket)
    report = json.loads(bucket.blob("jobs.csv.report.json").download_as_bytes())
    assert "Set DATAFLOW_TEMPLATE and DATAFLOW_REGION" in report["detail"]


def test_a_large_file_is_handed_over_and_stays_in_uploads_until_it_is_loaded(uploads, rows, capfd):
    handed_over = []
    uploads.settings = replace(uploads.settings, backfill_from_bytes=10)
    uploads.hand_over = handed_over.append
    blob = put(uploads, "jobs.csv", "1,Welder\n2,Tester\n")

    assert uploads.ingest(uploads.settings.uploads_bucket, "jobs.csv", blob.generation) is None
    assert [stored.name for stored in handed_over] == ["jobs.csv"]
    assert rows("select count(*) from loads") == [(0,)]
    (line,) = map(json.loads, capfd.readouterr().out.splitlines())
    assert (line["source"], line["table"]) == (handed_over[0].identity, "jobs")
    assert "jobs.csv" in names(uploads, uploads.settings.uploads_bucket)


@pytest.mark.parametrize(
    ("name", "times", "missing", "handed_over"),
    [
        ("jobs.csv", 1, 0, True),
        ("jobs.csv", 1, 1, False),
        ("jobs.csv.gz", 8, 0, True),
        ("jobs.csv.gz", 8, 1, False),
    ],
)
def test_a_file_is_handed_over_from_the_limit_on_and_a_gzip_file_counts_eight_times(
    uploads, name, times, missing, handed_over
):
    found = []
    blob = put(uploads, name, gzip.compress(b"1,Welder\n") if times > 1 else b"1,Welder\n")
    uploads.settings = replace(uploads.settings, backfill_from_bytes=times * blob.size + missing)
    uploads.hand_over = found.append

    entry = uploads.ingest(uploads.settings.uploads_bucket, name, blob.generation)

    assert (entry is None, len(found)) == (handed_over, handed_over)


def test_a_large_file_that_is_in_the_ledger_is_archived_and_not_handed_over_again(uploads):
    blob = put(uploads, "jobs.csv", "1,Welder\n")
    bucket = uploads.settings.uploads_bucket
    # As if its backfill was interrupted after the commit.
    source = Source(f"gs://{bucket}/jobs.csv#{blob.generation}", "file", "jobs", datetime.now(UTC))
    loaded = load(uploads.engine, source, list)
    uploads.settings = replace(uploads.settings, backfill_from_bytes=1)
    uploads.hand_over = lambda _: pytest.fail("it was handed over")

    entry = uploads.ingest(bucket, "jobs.csv", blob.generation)

    assert entry.load_id == loaded.load_id
    assert names(uploads, bucket) == []
    assert names(uploads, uploads.settings.processed_bucket) == ["jobs.csv"]


def test_a_file_that_cannot_be_swept_is_logged_and_does_not_stop_the_others(uploads, rows, capfd):
    def refuse(stored):
        raise StorageUnavailable("Dataflow is away; try again.")

    uploads.hand_over = refuse
    uploads.settings = replace(uploads.settings, backfill_from_bytes=10)
    for name, text in (("departments.csv", "1,Sales and more\n"), ("jobs.csv", "1,Clerk\n")):
        put(uploads, name, text)

    swept = uploads.sweep(datetime.now(UTC) + timedelta(seconds=61))

    assert [stored.name for stored in swept] == ["jobs.csv"]
    assert names(uploads, uploads.settings.uploads_bucket) == ["departments.csv"]
    assert rows("select job from jobs") == [("Clerk",)]
    (line,) = map(json.loads, capfd.readouterr().err.splitlines())
    assert (line["severity"], line["error"]) == ("ERROR", "Dataflow is away; try again.")
    assert "/departments.csv#" in line["source"]


def test_a_file_that_is_handed_over_is_not_counted_as_swept(uploads):
    uploads.hand_over = lambda _: None
    uploads.settings = replace(uploads.settings, backfill_from_bytes=1)
    put(uploads, "jobs.csv", "1,Welder\n")

    assert uploads.sweep(datetime.now(UTC) + timedelta(seconds=61)) == []


def test_the_sender_may_ask_that_bytes_that_were_loaded_before_count_as_newest(uploads, rows):
    bucket = uploads.settings.uploads_bucket
    for text, metadata in (
        ("1,Welder\n", None),
        ("1,Smith\n", None),
        ("1,Welder\n", {"tablegate-resend": "no"}),
    ):
        blob = put(uploads, "jobs.csv", text, metadata)
        uploads.ingest(bucket, "jobs.csv", blob.generation)
    assert rows("select job from jobs") == [("Smith",)]

    blob = put(uploads, "jobs.csv", "1,Welder\n", {"tablegate-resend": "newest"})
    uploads.ingest(bucket, "jobs.csv", blob.generation)

    assert rows("select job from jobs") == [("Welder",)]


def test_each_event_publishes_that_the_table_changed(uploads, topics):
    uploads.settings = replace(
        uploads.settings, google_cloud_project=os.environ["GOOGLE_CLOUD_PROJECT"]
    )
    blob = put(uploads, "jobs.csv", "1,Welder\n")

    for _ in range(2):
        # The second event is answered from the ledger; the call before may have died.
        entry = uploads.ingest(uploads.settings.uploads_bucket, "jobs.csv", blob.generation)

        (change,) = topics("table-changed")
        assert change.attributes["load_id"] == str(entry.load_id)


def test_a_failure_that_the_ledger_does_not_take_is_an_error_and_the_file_stays(uploads, engine):
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "create function swallow() returns trigger language plpgsql as"
            " $$ begin return null; end $$;"
            "create trigger swallow before insert on loads for each row execute function swallow()"
        )
    blob = put(uploads, "nonsense.txt", "x")

    with pytest.raises(PermanentError, match=r"lost the entry of .*nonsense\.txt"):
        uploads.ingest(uploads.settings.uploads_bucket, "nonsense.txt", blob.generation)

    assert names(uploads, uploads.settings.uploads_bucket) == ["nonsense.txt"]


def test_the_sweep_loads_rows_left_waiting_by_an_interrupted_replay(uploads, rows):
    bucket = uploads.settings.uploads_bucket
    hire = put(uploads, "hired_employees.csv", "1,Ann,2021-01-02T03:04:05Z,7,8\n")
    uploads.ingest(bucket, hire.name, hire.generation)
    department, job = tables.find("departments"), tables.find("jobs")
    for table, row in ((department, [7, "Sales"]), (job, [8, "Clerk"])):
        # As a replay does that is killed right after its commit.
        verdict = Verdict(1, {0: row})
        batch = Batch(uuid4(), table, "ann", datetime.now(UTC), verdict, "replay")
        source = Source(str(batch.batch_id), "replay", table.name, batch.accepted_at)
        load(uploads.engine, source, lambda batch=batch: [batch.block()])
    assert rows("select id from hired_employees") == []

    swept = uploads.sweep_waiting()

    assert rows("select id, load_id from hired_employees") == [(1, *swept)]
    assert rows("select waiting, inserted from loads where kind = 'file'") == [(0, 1)]
    assert uploads.sweep_waiting() == []
