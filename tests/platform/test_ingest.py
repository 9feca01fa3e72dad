"""A CSV file dropped in the bucket becomes rows, rejected rows and metrics."""

import csv
import gzip
import json
from contextlib import closing
from itertools import permutations
from pathlib import Path

import httpx
import pytest

from infra.local import sample
from tests.support import identities, plain_metrics
from tests.support.operator import Operator

ORDERS = list(permutations(["departments", "jobs", "hired_employees"]))
ORIGINAL = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def sample_files(tmp_path_factory):
    """The generated sample data set."""
    folder = tmp_path_factory.mktemp("sample")
    sample.write(folder)
    return folder


@pytest.fixture
def operator(platform):
    """An operator of a platform without rows."""
    with closing(Operator(platform)) as made:
        made.clear()
        yield made


def errors_by_field(folder):
    with (folder / "hired_employees.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.reader(source))
    names = ("id", "name", "datetime", "department_id", "job_id")
    return {
        name: missing
        for place, name in enumerate(names)
        if (missing := sum(not row[place] for row in rows))
    }


def data_sets(sample_files, order):
    """The sample, and in one order the original data set, which only developers' machines have."""
    has_original = order == ORDERS[-1] and (ORIGINAL / "hired_employees.csv").exists()
    return [sample_files, *([ORIGINAL] if has_original else [])]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_files_in_any_order_give_the_same_rows_and_metrics(operator, sample_files, order):
    for folder in data_sets(sample_files, order):
        operator.clear()
        for table in order:
            operator.dropped(f"{table}.csv", (folder / f"{table}.csv").read_bytes())
        operator.synced()

        expected = {t: len(plain_metrics.rows(folder / f"{t}.csv")) for t in order}
        assert {t: operator.count(f"select count(*) from {t}") for t in order} == expected
        errors = operator.ask(
            "select errors -> 0 ->> 'field' as field, count(*) from rejected_rows"
            " where status = 'rejected' group by 1"
        )
        assert {row["field"]: row["count"] for row in errors} == errors_by_field(folder)
        assert operator.count("select sum(waiting) from loads") == 0
        stars = {
            "departments": "dim_departments",
            "jobs": "dim_jobs",
            "hired_employees": "fact_hires",
        }
        assert {t: operator.warehouse(star) for t, star in stars.items()} == expected
        for year in (2021, 2022):
            found = operator.api.get("/hires_by_quarter", params={"year": year}).json()
            assert found["rows"] == plain_metrics.by_quarter(folder, year)
            found = operator.api.get("/departments_above_mean", params={"year": year}).json()
            assert found["rows"] == plain_metrics.above_mean(folder, year)


def test_a_metric_is_returned_as_csv_on_request(operator, sample_files):
    for path in sample_files.iterdir():
        operator.dropped(path.name, path.read_bytes())
    operator.synced()

    answer = operator.api.get("/hires_by_quarter", headers={"Accept": "text/csv"})

    assert answer.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(answer.text.splitlines()))
    assert [{**line, **{q: int(line[q]) for q in ("q1", "q2", "q3", "q4")}} for line in lines] == (
        plain_metrics.by_quarter(sample_files, 2021)
    )


def test_a_metric_needs_a_token(operator):
    assert httpx.get(f"{operator.platform.gateway}/hires_by_quarter").status_code == 401
    assert httpx.get(f"{operator.platform.gateway}/departments_above_mean").status_code == 401


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("departments.csv", b"1,Sales\r\n2,Support\r\n"),
        ("departments-2021-03.csv", b"\xef\xbb\xbfDepartment,ID\nSales,1\nSupport,2\n"),
        ("departments/part one.csv", b'1,"Sales"\n2,"Support"'),
        ("departments.csv.gz", gzip.compress(b"1,Sales\n2,Support\n")),
        ("acme/departments/é%2F#1?.csv", b"1,Sales\n2,Support\n"),
    ],
)
def test_a_file_is_loaded_and_moved_to_processed(operator, name, content):
    entry = operator.dropped(name, content)

    assert (entry["state"], entry["inserted"]) == ("done", 2)
    assert entry["sender"] == ("acme" if name.startswith("acme") else None)
    assert operator.ask("select id, department from departments order by id") == [
        {"id": 1, "department": "Sales"},
        {"id": 2, "department": "Support"},
    ]
    moved = [
        there for there in operator.objects("processed") if there.startswith(name.split(".")[0])
    ]
    assert any(operator.content("processed", there) == content for there in moved)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("salaries.csv", b"1,2\n", "unknown_table"),
        ("departments.txt", b"1,2\n", "unknown_table"),
        ("departments-empty.csv", b"", "empty"),
        ("departments-latin.csv", "1,Größe\n".encode("latin-1"), "not_utf8"),
        ("departments-wide.csv", b"1,a,b\n2,c,d\n", "wrong_columns"),
        ("departments-drifted.csv", b"id,departement\n1,a\n", "header_drifted"),
    ],
)
def test_a_file_that_fits_no_table_fails_with_a_report(operator, name, content, code):
    entry = operator.dropped(name, content)

    assert entry["state"] == "failed"
    assert entry["error"]["code"] == code
    failed = [there for there in operator.objects("failed") if there.startswith(name.split(".")[0])]
    report = next(there for there in failed if there.endswith(".report.json"))
    assert json.loads(operator.content("failed", report))["code"] == code
    assert operator.content("failed", report.removesuffix(".report.json")) == content
    assert operator.count("select count(*) from departments") == 0


def test_rejected_rows_are_stored_and_written_to_a_file_ready_to_be_corrected(operator):
    operator.dropped("jobs.csv", b"1,Welder\n")
    operator.dropped("departments.csv", b"1,Sales\n")
    content = (
        b"1,Ada,2021-01-01T00:00:00Z,1,1\n"
        b'2,"two\nlines",2021-01-01T00:00:00Z,1,1\n'
        b"3,=cmd(),2021-01-01,1,1\n"
        b"4,,2021-01-01T00:00:00Z,1.0,1\n"
    )
    entry = operator.dropped("hired_employees-bad.csv", content)

    assert (entry["rows_read"], entry["inserted"], entry["rejected"]) == (4, 2, 2)
    rejects = operator.ask("select position, reason, raw from rejected_rows order by position")
    assert [(row["position"], row["reason"]) for row in rejects] == [
        (4, "not_a_timestamp"),
        (5, "missing"),
    ]
    name = next(
        n
        for n in operator.objects("processed")
        if n.startswith("hired_employees-bad") and n.endswith(".rejected.csv")
    )
    text = operator.content("processed", name).decode()
    assert "'=cmd()" in text
    corrected = text.replace("2021-01-01,", "2021-01-01T00:00:00Z,").replace("4,,", "4,Eve,")
    entry = operator.dropped("hired_employees-fixed.csv", corrected.replace("1.0", "1").encode())

    assert entry["inserted"] == 2
    assert operator.ask("select name from hired_employees where id = 3") == [{"name": "=cmd()"}]


def test_the_same_event_twice_changes_nothing(operator):
    source = operator.drop("jobs-twice.csv", b"1,Welder\n2,\n")
    before = operator.loaded(source)
    operator.synced()
    port = operator.platform.part("ingest_csv").address
    name, generation = source.removeprefix("gs://").split("/", 1)[1].rsplit("#", 1)
    event = json.loads((Path(__file__).parents[1] / "events" / "finalized.json").read_text())

    for _ in range(2):
        answer = httpx.post(
            port,
            headers={**event["headers"], **identities.own(operator.platform.home)},
            json={
                **event["body"],
                "bucket": operator.names["uploads"],
                "name": name,
                "generation": generation,
            },
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
    operator.synced()

    assert operator.ask("select * from loads where source = :s", s=source) == [
        {**before, "synced_at": operator.ask("select synced_at from loads")[0]["synced_at"]}
    ]
    assert operator.count("select count(*) from rejected_rows") == 1


def test_the_same_bytes_again_load_as_unchanged_rows(operator):
    operator.dropped("jobs-a.csv", b"1,Welder\n2,Tester\n")

    entry = operator.dropped("jobs-b.csv", b"1,Welder\n2,Tester\n")

    assert (entry["rows_read"], entry["unchanged"]) == (2, 2)
    assert entry["repeats"] is not None


def test_an_old_file_sent_again_overwrites_nothing_unless_that_is_requested(operator):
    operator.dropped("jobs-old.csv", b"1,Old\n")
    operator.dropped("jobs-new.csv", b"1,New\n")

    assert operator.dropped("jobs-again.csv", b"1,Old\n")["superseded"] == 1
    assert operator.ask("select job from jobs") == [{"job": "New"}]

    source = operator.drop("jobs-meant.csv", b"1,Old\n", {"tablegate-resend": "newest"})
    assert operator.loaded(source)["updated"] == 1
    assert operator.ask("select job from jobs") == [{"job": "Old"}]
