"""Avro files from other tools: restored if they fit the table, otherwise refused with a reason."""

from datetime import UTC, datetime, timedelta

import pytest

from shared import tables
from shared.avro import schemas
from shared.backups.errors import UnusableBackup
from tests.backups.rows import JOB, LOAD_ID, NOON, file, jobs

DEPARTMENTS, JOBS, HIRES = tables.all_tables().values()
MICROS = {"type": "long", "logicalType": "timestamp-micros"}
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
HIRE = {"id": "long", "name": "string", "datetime": MICROS, "department_id": "long"} | {
    "job_id": "long"
}


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_a_plain_file_is_restored(codec, upload, restored, database):
    done = restored(JOBS, upload(file(JOB, jobs(3000), codec)), sender="ann")

    assert done.changes["inserted"].count == 3000
    found = database.ask("select id, job, load_id, accepted_at from jobs order by id")
    assert [row[:2] for row in found] == jobs(3000)
    assert {row[2:] for row in found} == {(done.load_id, done.accepted_at)}


def test_unchanged_rows_are_not_touched(upload, restored, database):
    database.fill(JOBS, jobs(3))
    before = database.rows(JOBS)

    done = restored(JOBS, upload(file(JOB, jobs(3))))

    assert done.changes["unchanged"].count == 3
    assert database.rows(JOBS) == before


def test_field_order_and_extra_fields_do_not_matter(upload, restored, database):
    fields = {"extra": ["null", "double"], "job": "string", "id": "int"}

    restored(JOBS, upload(file(fields, [(1.5, "Welder", 1), (None, "Tester", 2)])))

    assert database.ask("select id, job from jobs order by id") == [(1, "Welder"), (2, "Tester")]


def test_a_type_that_the_file_defines_once_and_names_again_is_read(upload, restored, database):
    size = {"type": "enum", "name": "Size", "symbols": ["small", "large"]}
    fields = {"extra": ["null", size], "id": ["null", "int", "long"], "job": "Size"}

    restored(JOBS, upload(file(fields, [("small", 1, "large"), (None, 2**40, "small")])))

    assert database.ask("select id, job from jobs order by id") == [(1, "large"), (2**40, "small")]


def test_a_bigquery_export_with_nullable_columns_is_restored(parents, upload, restored, database):
    moment = datetime(2021, 7, 27, 16, 2, 8, 1, tzinfo=UTC)
    fields = {
        "id": ["null", "long"],
        "name": ["null", "string"],
        "hired_at": ["null", MICROS],
        "department_id": ["null", "long"],
        "job_id": ["null", "long"],
        "accepted_at": ["null", MICROS],
        "load_id": ["null", "string"],
        "hired_on": ["null", {"type": "int", "logicalType": "date"}],
    }
    rows = [(i, f"n{i}", moment, 1, 2, NOON, str(LOAD_ID), moment.date()) for i in range(1, 500)]

    restored(HIRES, upload(file(fields, rows)), aliases={"datetime": "hired_at"})

    assert database.ask(
        "select count(*), min(datetime), max(accepted_at), min(load_id::text) from hired_employees"
    ) == [(499, moment, NOON, str(LOAD_ID))]


def test_rows_that_do_not_say_when_they_came_next_to_rows_that_do_get_the_restores_own(
    upload, restored, database
):
    fields = {**JOB, "accepted_at": ["null", MICROS], "load_id": ["null", "string"]}
    rows = [
        (1, "a", NOON, str(LOAD_ID)),
        (2, "b", None, None),
        (3, "c", NOON, None),
        (4, "d", None, str(LOAD_ID)),
    ]

    done = restored(JOBS, upload(file(fields, rows)))

    assert database.ask("select id, job, accepted_at, load_id from jobs order by id") == [
        (1, "a", NOON, LOAD_ID),
        (2, "b", done.accepted_at, done.load_id),
        (3, "c", NOON, done.load_id),
        (4, "d", done.accepted_at, LOAD_ID),
    ]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ({"type": "long", "logicalType": "timestamp-millis"}, NOON.replace(microsecond=0)),
        ("string", "2026-01-01T12:00:00Z"),
        ("string", "2026-01-01T13:00:00+01:00"),
    ],
)
def test_timestamps_in_milliseconds_or_as_text_are_converted(
    kind, value, parents, upload, restored, database
):
    fields = {**HIRE, "datetime": kind}

    restored(HIRES, upload(file(fields, [(1, "Ana", value, 1, 1)])))

    assert database.ask("select datetime from hired_employees") == [(NOON.replace(microsecond=0),)]


def test_a_file_with_other_fields_is_refused(upload, restored):
    with pytest.raises(UnusableBackup, match="it lacks job") as caught:
        restored(JOBS, upload(file({"id": "long"}, [])))

    assert caught.value.code == "wrong_schema"


def test_a_file_with_invalid_rows_is_refused(upload, restored, database):
    database.fill(JOBS, [(1, "Welder")])
    before = database.rows(JOBS)
    bad = [(0, "Zero"), (3, "  "), (4, "x" * 1001), (5, "a\x00b"), *((-i, "n") for i in range(20))]

    with pytest.raises(UnusableBackup, match="24 rows") as caught:
        restored(JOBS, upload(file(JOB, [*jobs(2000), *bad])))

    assert caught.value.code == "bad_rows"
    examples = caught.value.facts["examples"]
    assert len(examples) == 10
    assert {
        "key": {"id": 3},
        "errors": ["job: Must not be blank; give a text."],
    } in examples
    assert database.rows(JOBS) == before


def test_null_is_not_a_value(upload, restored):
    fields = {"id": "long", "job": ["null", "string"]}

    with pytest.raises(UnusableBackup, match="1 rows") as caught:
        restored(JOBS, upload(file(fields, [(1, "Welder"), (2, None)])))

    assert caught.value.facts["examples"][0]["key"] == {"id": 2}


def test_a_file_of_nothing_but_invalid_rows_is_refused(upload, restored):
    fields = {"id": "long", "job": ["null", "string"]}

    with pytest.raises(UnusableBackup, match="20 rows"):
        restored(JOBS, upload(file(fields, [(i, None) for i in range(1, 21)])))


def test_timestamps_outside_the_calendar_are_refused(parents, upload, restored):
    fields = {**HIRE, "datetime": {"type": "long", "logicalType": "timestamp-micros"}}
    rows = [(1, "Ana", 2**62, 1, 1)]

    with pytest.raises(UnusableBackup, match="1 rows"):
        restored(HIRES, upload(file(fields, rows)))


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [
        (MICROS, 2**62, "falls outside the years"),
        (MICROS, -(2**62), "falls outside the years"),
        (MILLIS, 2**62, "falls outside the years"),
        (MILLIS, 253_402_300_800_000, "falls outside the years"),
        (MILLIS, 4_102_444_800_000, "Is later than now"),
        (MICROS, 4_102_444_800_000_000, "Is later than now"),
        ("string", "2100-01-01T00:00:00Z", "Is later than now"),
        ("string", "yesterday", "Not an ISO 8601 date"),
    ],
)
def test_when_a_row_was_accepted_is_judged_like_its_fields(
    kind, value, error, upload, restored, database
):
    content = file({**JOB, "accepted_at": kind}, [(1, "Welder", value), (2, "Baker", value)])

    with pytest.raises(UnusableBackup) as caught:
        restored(JOBS, upload(content))

    assert (caught.value.code, caught.value.facts["count"]) == ("bad_rows", 2)
    example = caught.value.facts["examples"][0]
    assert example["key"] == {"id": 1}
    (sentence,) = example["errors"]
    assert sentence.startswith("accepted_at: ")
    assert error in sentence
    assert database.rows(JOBS) == []


def test_a_duplicate_key_is_refused(upload, restored, database):
    with pytest.raises(UnusableBackup, match="2 keys") as caught:
        restored(JOBS, upload(file(JOB, [*jobs(50), (7, "Other"), (9, "Job 9")])))

    assert caught.value.code == "doubled_keys"
    assert caught.value.facts == {"count": 2, "examples": [{"id": 7}, {"id": 9}]}
    assert database.rows(JOBS) == []


def test_of_many_duplicate_keys_the_first_ten_are_named(upload, restored):
    with pytest.raises(UnusableBackup, match="50 keys") as caught:
        restored(JOBS, upload(file(JOB, [*jobs(100)[::-1], *jobs(50)[::-1]])))

    assert caught.value.facts["examples"] == [{"id": i} for i in range(1, 11)]


def test_a_file_is_read_as_it_is_stored_whatever_encoding_its_metadata_names(
    upload, restored, storage_client, bucket
):
    blob = storage_client.bucket(bucket).blob("elsewhere/1.avro")
    blob.content_encoding = "gzip"
    blob.upload_from_string(file(JOB, jobs(3)))

    assert restored(JOBS, blob.name).changes["inserted"].count == 3


def test_an_invalid_load_id_is_refused(upload, restored, database):
    fields = {**JOB, "accepted_at": MICROS, "load_id": "string"}

    with pytest.raises(UnusableBackup, match="not a UUID"):
        restored(JOBS, upload(file(fields, [(1, "Welder", NOON, "x")])))

    assert database.rows(JOBS) == []


@pytest.mark.parametrize(
    ("accepted_at", "load_id"),
    [
        (f"{NOON}\t{LOAD_ID}\n0\t \t{NOON}", str(LOAD_ID)),
        (str(NOON), f"{LOAD_ID}\n0\t \t{NOON}\t{LOAD_ID}"),
    ],
)
def test_a_text_that_postgresql_reads_brings_in_no_other_row(
    accepted_at, load_id, upload, restored, database
):
    fields = {**JOB, "accepted_at": ["null", "string"], "load_id": ["null", "string"]}
    # The null keeps the rows off the binary format, which such a text does not fit.
    rows = [(1, "Welder", accepted_at, load_id), (2, "Baker", None, None)]

    with pytest.raises(UnusableBackup, match="1 rows"):
        restored(JOBS, upload(file(fields, rows)))

    assert database.rows(JOBS) == []


GOOD = file(JOB, jobs(3000))


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (b"", {"not_avro"}),
        (b"PAR1 something else", {"not_avro"}),
        (b"id,job\n1,Welder\n", {"not_avro"}),
        (GOOD[:3], {"truncated"}),
        (GOOD[:40], {"truncated"}),
        (GOOD[: len(GOOD) // 2], {"truncated"}),
        (GOOD[:-1], {"truncated"}),
        (GOOD + b"x", {"truncated", "damaged"}),
        (GOOD[:-16] + bytes(16), {"damaged"}),
        (GOOD.replace(b"deflate", b"bzipped"), {"unknown_codec"}),
        (GOOD.replace(b'"long"', b'"lung"'), {"wrong_schema"}),
        (GOOD.replace(b'"record"', b'"reckon"'), {"wrong_schema", "damaged"}),
        (GOOD.replace(b'"fields"', b'"felds!"'), {"wrong_schema", "damaged"}),
    ],
)
def test_an_incomplete_or_damaged_avro_file_is_refused(data, codes, upload, restored, database):
    database.fill(JOBS, [(1, "Welder")])
    before = database.rows(JOBS)

    with pytest.raises(UnusableBackup) as caught:
        restored(JOBS, upload(data))

    assert caught.value.code in codes, str(caught.value)
    assert str(caught.value).endswith(".")
    assert database.rows(JOBS) == before
    assert database.ask("select count(*) from loads") == [(0,)]


def test_a_backup_with_one_flipped_bit_is_refused(database, backups, restored, content, upload):
    database.fill(JOBS, jobs(2000))
    (manifest,) = backups.back_up([JOBS], "")
    database.ask("delete from jobs where id > 10")
    before = database.rows(JOBS)
    intact = content(manifest.object)

    for place in (0.01, 0.2, 0.5, 0.8, 0.99):
        data = bytearray(intact)
        data[int(len(data) * place)] ^= 4
        upload(bytes(data), manifest.object)
        with pytest.raises(UnusableBackup, match="CRC32C") as caught:
            restored(JOBS)
        assert caught.value.code == "damaged"

    assert database.rows(JOBS) == before


def test_a_backup_that_was_replaced_by_another_valid_file_is_refused(
    database, backups, restored, upload, storage_client, bucket
):
    database.fill(JOBS, jobs(20))
    (manifest,) = backups.back_up([JOBS], "")
    fields = {field["name"]: field["type"] for field in schemas.of_table(JOBS).declared["fields"]}
    rows = [(*row, NOON + timedelta(hours=1), str(LOAD_ID)) for row in jobs(20)]
    upload(file(fields, rows), manifest.object)
    blob = storage_client.bucket(bucket).get_blob(manifest.object)
    backups.catalog.write_manifest(
        type(manifest)(
            **{
                name: getattr(manifest, name)
                for name in manifest.__struct_fields__
                if name not in ("crc32c", "size_bytes")
            },
            crc32c=blob.crc32c,
            size_bytes=blob.size,
        )
    )

    with pytest.raises(UnusableBackup, match="content checksum"):
        restored(JOBS)
