"""No log holds a secret or a row's value, whatever goes wrong.

In addition, the logs of every platform run and the output of every test are searched: see
`tests/conftest.py` and `tests/support/platform.py`.
"""

import contextlib
import io
import json
import uuid
from contextlib import closing

import fastavro
import httpx
import pg8000
import pytest

from tests.support import clients, secrecy
from tests.support.operator import Operator
from tests.support.secrecy import CANARY, NUMBER

HIRE = {
    "id": NUMBER,
    "name": f"{CANARY} name",
    "datetime": "2021-01-01T00:00:00Z",
    "department_id": 1,
    "job_id": 1,
}


@pytest.fixture
def operator(platform):
    """An operator of a platform without rows."""
    with closing(Operator(platform)) as person:
        person.clear()
        yield person
        person.clear()


def files() -> dict[str, bytes]:
    row = f"{NUMBER},{CANARY}"
    long = f'{NUMBER},"{CANARY}\n' + "x" * 2_000_000 + "\n"
    return {
        "jobs-good.csv": f"{row}\n1,Welder\n".encode(),
        "jobs-bad.csv": f"{row} ,x\n{CANARY},{NUMBER}\n{row}\x00\n".encode(),
        "jobs-long.csv": long.encode(),
        "jobs-drifted.csv": f"id,{CANARY}\n{row}\n".encode(),
        "jobs-noutf.csv": f"{row}\xff\n".encode("latin-1"),
        "jobs-gzip.csv.gz": b"\x1f\x8b" + CANARY.encode(),
        "hired_employees-waiting.csv": ",".join(map(str, HIRE.values())).encode() + b"\n",
    }


def avro() -> bytes:
    sink = io.BytesIO()
    fields = [{"name": "id", "type": "long"}, {"name": "job", "type": "string"}]
    schema = {"type": "record", "name": CANARY.replace("-", "_"), "fields": fields}
    rows = [{"id": NUMBER, "job": f"{CANARY}{end}"} for end in ("", "\x00", "x" * 1001)]
    fastavro.writer(sink, schema, rows)
    return sink.getvalue()


def test_errors_in_files_batches_and_backups_are_logged_without_values(operator):
    for name, content in files().items():
        operator.dropped(name, content)
    api = operator.api
    for body in ([HIRE, {**HIRE, CANARY: NUMBER}], [CANARY], [{**HIRE, "id": CANARY}]):
        api.post("/insert_rows/hired_employees", json={"rows": body})
    api.post("/insert_rows/jobs", content=f'{{"rows": [{{"{CANARY}": 1, "{CANARY}": 2}}]}}')
    api.post(f"/insert_rows/{CANARY}", json={"rows": [HIRE]})
    api.get("/rejected_rows", params={"source": CANARY, "reason": CANARY, CANARY: "1"})
    api.post("/rejected_rows/replay", json={"rows": {"1": HIRE, "2": CANARY}})
    bucket = operator.storage.bucket(operator.names["backups"])
    name = f"elsewhere/{uuid.uuid4()}.avro"
    bucket.blob(name).upload_from_string(avro())
    uri = {"uri": f"gs://{operator.names['backups']}/{name}"}
    assert api.post("/restore_table/jobs", json=uri).status_code == 422
    assert api.post("/backup_table/jobs").status_code == 201
    for headers in ({"X-Token": CANARY}, {"Authorization": f"Bearer {CANARY}.a.b"}):
        httpx.get(f"{operator.platform.gateway}/rejected_rows", headers=headers)
        httpx.post(f"{operator.platform.part('store_rows').address}/", headers=headers)
    operator.synced()

    assert secrecy.leaks(operator.platform.home) == []


def test_postgresql_logs_its_errors_without_row_values(platform):
    with closing(clients.connection(platform.database_url)) as connection:
        connection.run("create temporary table a (id bigint primary key, note text)")
        for statement in (
            f"insert into a values ({NUMBER}, '{CANARY}'), ({NUMBER}, '{CANARY}')",
            f"insert into a values (null, '{CANARY}')",
            f"select '{CANARY}' from nowhere",
        ):
            with pytest.raises(pg8000.DatabaseError):
                connection.run(statement)

    log = secrecy.log_of(platform.home, "postgres").read_text()
    assert "duplicate key value violates unique constraint" in log
    assert secrecy.leaks(platform.home) == []


def test_duplicate_keys_in_a_bulk_load_are_logged_without_values(operator):
    # Other tables reference jobs, so its key stays during COPY, which reports the duplicates.
    filler = "x" * 900
    rows = "".join(f"{number},{filler}\n" for number in range(1, 10_001))
    content = f"{rows}{NUMBER},{CANARY}\n{NUMBER},{CANARY} again\n".encode()
    assert len(content) > 8 << 20

    entry = operator.dropped("jobs-doubled.csv", content)

    assert (entry["inserted"], entry["superseded"]) == (10_001, 1)
    assert secrecy.leaks(operator.platform.home) == []


def test_a_line_break_in_a_logged_value_does_not_start_a_new_line(operator):
    operator.dropped('jobs-x"}\n{"severity": "CRITICAL", "message": "forged"}.csv', b"1,a\n")
    httpx.get(f"{operator.platform.gateway}/rejected_rows?table=%0a%7B%22severity%22%3A1%7D")

    for file in operator.platform.home.logs.glob("*.log"):
        for line in file.read_bytes().splitlines():
            with contextlib.suppress(ValueError):
                assert "forged" not in str(json.loads(line).get("message", ""))


def test_the_search_finds_a_planted_secret(platform, tmp_path):
    token = platform.home.secret(platform.home.token_file)
    file = platform.home.logs / "planted.log"
    try:
        file.write_text(f"calling with {token}\n")
        assert ["token in planted.log" in line for line in secrecy.leaks(platform.home)] == [True]
    finally:
        file.unlink()
    assert secrecy.in_lines('{"severity": "INFO", "x": "Welder"}\nWelder') == [
        '{"severity": "INFO", "x": "Welder"}'
    ]
