"""Files too large for one call are loaded by the Dataflow stand-in."""

import pytest
import sqlalchemy as sa

from infra.local import layout
from shared.database.engine import create
from shared.settings import read
from tests.benchmarks.ingest import bucket
from tests.support import hires
from tests.support.platform import running, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(layout.beam_python() is None, reason="no Apache Beam: make .venv-beam"),
]


ROWS = 20_000


@pytest.fixture
def small_limit(monkeypatch):
    """A platform that backfills files over 100 kB."""
    monkeypatch.setenv("BACKFILL_FROM_BYTES", "100000")
    with running() as platform:
        yield platform


def test_a_large_file_is_loaded_by_dataflow_even_if_dataflow_is_killed(small_limit):
    engine = create(read({"DATABASE_URL": small_limit.database_url}))

    def loads():
        with engine.connect() as connection:
            found = connection.execute(
                sa.text("select table_name, rows_read, inserted, rejected from loads")
            )
            return sorted(tuple(row) for row in found)

    def is_started():
        log = small_limit.home.path / "dataflow"
        return any(log.glob("*.json"))

    for table, text in hires.parents().items():
        bucket(small_limit).blob(f"{table}.csv").upload_from_string(text)
    content = b"".join(hires.lines(ROWS, 0.05))
    bucket(small_limit).blob("hired_employees.csv").upload_from_string(content)
    wait_until(is_started, "handed over")
    small_limit.kill("dataflow")
    wait_until(lambda: len(loads()) == 3, "loaded", seconds=60)

    assert loads()[1] == ("hired_employees", ROWS, ROWS * 19 // 20, ROWS // 20)
    wait_until(lambda: not is_started(), "ended")
    assert [blob.name for blob in bucket(small_limit).list_blobs()] == []
    engine.dispose()
