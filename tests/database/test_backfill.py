"""Loading a file in pieces, with or without Beam, has the outcome of loading it in one call."""

import gzip
import os
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from infra.local import layout
from infra.local.environment import ROOT
from shared.database import engine as engines
from shared.loading.backfill import Backfill
from shared.loading.uploads import Uploads
from shared.settings import read
from shared.storage import ObjectStore
from tests.support import hires

COUNTS = "rows_read, inserted, updated, unchanged, superseded, waiting, rejected"
QUERIES = {
    "tables": "select id, name, datetime, department_id, job_id from hired_employees order by id",
    "rejects": "select table_name, position, raw, errors, reason, status from rejected_rows "
    "order by table_name, position",
    "loads": f"select kind, sender, table_name, state, error, {COUNTS} from loads "
    "order by table_name, accepted_at",
}


@dataclass
class Side:
    """A separate database and buckets, and the code that loads files into them."""

    uploads: Uploads
    environment: dict[str, str]

    def put(self, name: str, content: bytes) -> int:
        """Drop a file."""
        blob = self.uploads.objects.client.bucket(self.environment["UPLOADS_BUCKET"]).blob(name)
        blob.upload_from_string(content)
        return int(blob.generation)

    def ingest(self, name: str, content: bytes) -> None:
        """Drop a file and load it in one call."""
        self.uploads.ingest(self.environment["UPLOADS_BUCKET"], name, self.put(name, content))

    def outcome(self) -> dict[str, Any]:
        """Everything that is visible after the loads: rows, rejects, ledger and files."""
        with self.uploads.engine.connect() as connection:
            found: dict[str, Any] = {
                name: connection.execute(sa.text(query)).all() for name, query in QUERIES.items()
            }
        for place in ("uploads", "processed", "failed", "staging"):
            blobs = self.uploads.objects.client.list_blobs(
                self.environment[f"{place.upper()}_BUCKET"]
            )
            found[place] = [(blob.name, without_ids(blob)) for blob in blobs]
        return found


def without_ids(blob):
    lines = blob.download_as_bytes().splitlines()
    return [line for line in lines if b'"load_id"' not in line]


@pytest.fixture
def new_side(quiet_project, new_database, new_buckets, storage_client, publisher, stand_ins):
    """Creates sides that are isolated from each other."""
    made = []

    def make():
        environment = {
            "GOOGLE_CLOUD_PROJECT": quiet_project,
            "DATABASE_URL": new_database(),
            "BACKFILL_FROM_BYTES": "1000",
            "STORAGE_EMULATOR_HOST": stand_ins.storage_endpoint(),
            "PUBSUB_EMULATOR_HOST": stand_ins.pubsub_endpoint(),
            **new_buckets(),
        }
        settings = read({**environment, "BACKFILL_FROM_BYTES": ""})
        engine = engines.create(settings)
        made.append(engine)
        return Side(Uploads(settings, engine, ObjectStore(storage_client), publisher), environment)

    yield make
    for engine in made:
        engine.dispose()


def ingest_with_beam(side, name, content):
    """Drop a file and load it as a backfill does."""
    python = layout.beam_python()
    if python is None:
        pytest.skip("no Apache Beam: make .venv-beam")
    options = {
        "bucket": side.environment["UPLOADS_BUCKET"],
        "name": name,
        "generation": side.put(name, content),
    }
    done = subprocess.run(
        [
            *(str(python), "-m", "functions.ingest_csv.backfill"),
            *(f"--{option}={value}" for option, value in options.items()),
            "--runner=BundleBasedDirectRunner",
        ],
        cwd=ROOT,
        env={**os.environ, **side.environment},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]


ROWS = 160_000
QUOTED = b'"1000001","Quo\r\nted, ""twice""",2021-01-07T02:48:42Z,1,1\r\n'
BAD_ROWS = (
    b'1000002,"never closed,2021-01-07T02:48:42Z,1,1\r\n'
    b"1000003,Too Few\r\n"
    b"1000004,No Offset,2021-01-07T02:48:42,1,1\r\n"
    b"1000005,Waits,2021-01-07T02:48:42Z,999,1\r\n"
    b"1,Again,2021-01-07T02:48:42Z,1,1\r\n"
)


def large():
    return b"".join([QUOTED, *hires.lines(ROWS, 0.01), QUOTED.replace(b"01", b"09"), BAD_ROWS])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("hired_employees-large.csv", large, id="good, bad, waiting and doubled rows"),
        pytest.param(
            "acme/hired_employees/clean.csv",
            lambda: b"".join(hires.lines(ROWS, 0.01)),
            id="straight into the empty table",
        ),
        pytest.param("jobs.csv", lambda: b"id,jobs\n1,Welder\n", id="a header that has drifted"),
        pytest.param(
            "jobs.csv.gz", lambda: gzip.compress(b"1,A\n" * 9, mtime=0)[:-9], id="half a gzip"
        ),
        pytest.param("jobs.csv", lambda: b"1\n2\n3\n", id="wrong columns throughout"),
        pytest.param("jobs-none.csv", lambda: b"id,job\n", id="a header alone"),
        pytest.param("teams.csv", lambda: b"1,A\n", id="no table of that name"),
    ],
)
def test_beam_has_the_same_outcome_as_one_call(new_side, name, content):
    direct, beam = new_side(), new_side()
    for side in (direct, beam):
        for table, text in hires.parents().items():
            side.ingest(f"{table}.csv", text)

    direct.ingest(name, content())
    ingest_with_beam(beam, name, content())

    expected, found = direct.outcome(), beam.outcome()
    assert found == expected
    assert found["staging"] == []
    assert len(found["processed"]) + len(found["failed"]) > 2


def backfill_of(side, name, content):
    return Backfill(side.uploads, side.environment["UPLOADS_BUCKET"], name, side.put(name, content))


LONG = "".join(f"{number},{'x' * 990}\n" for number in range(1, 9801)).encode()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("acme/jobs/long.csv", LONG + b"9801\n9802,last\n", 2),
        ("jobs.csv", b"id,job\n1,Welder\n1,Tester\n", 1),
        ("jobs.csv", b"id,job\n", 0),
        ("jobs.csv", b"1,Welder\n2,\xff\n", 1),
        ("jobs.csv", b"job,id\nWelder,1\nTester,x\n", 1),
        ("jobs.csv", gzip.compress(b"1,Welder\n")[:-9], 0),
        ("teams.csv", b"1,A\n", 0),
    ],
)
def test_pieces_in_any_order_have_the_same_outcome_as_one_call(new_side, name, content, expected):
    direct, backfilled = new_side(), new_side()

    direct.ingest(name, content)
    backfill = backfill_of(backfilled, name, content)
    *pieces, end = backfill.split()
    backfill.load([end, *map(backfill.validate, reversed(pieces))])

    found = backfilled.outcome()
    assert found == direct.outcome()
    assert found["staging"] == []
    assert len(found["loads"]) == 1
    assert len(pieces) == expected


def test_a_file_that_its_sender_deleted_has_no_pieces_and_loads_nothing(new_side):
    side = new_side()
    backfill = backfill_of(side, "jobs.csv", b"1,Welder\n")
    side.uploads.objects.client.bucket(backfill.bucket).blob(backfill.name).delete()

    assert list(backfill.split()) == []
    assert backfill.load([]) is None
    assert side.outcome()["loads"] == []


def test_repeating_a_step_changes_nothing(new_side):
    side = new_side()
    backfill = backfill_of(side, "jobs.csv", b"1,Welder\n2,\n")

    for _ in range(2):
        parts = list(backfill.split())
        validated = [backfill.validate(part) for part in parts[:-1]]
        validated = [backfill.validate(part) for part in parts[:-1]]
    entries = [backfill.load([parts[-1], *validated]) for _ in range(2)]

    assert [entry.counts.read for entry in entries] == [2, 2]
    assert [entry.first_time for entry in entries] == [True, False]


def test_a_file_with_a_missing_piece_is_not_loaded(new_side):
    side = new_side()
    backfill = backfill_of(side, "jobs.csv", b"1,Welder\n2,\n")
    piece, end = backfill.split()

    for parts in ([], [end], [backfill.validate(piece)]):
        with pytest.raises(Exception, match="are missing"):
            backfill.load(parts)

    assert side.outcome()["loads"] == []
    assert [name for name, _ in side.outcome()["uploads"]] == ["jobs.csv"]
