"""What looks like SQL, a formula or another line stays what it is: text of a cell."""

import csv
import io
import json

import pytest

from shared import tables
from shared.formulas import shield, unshield
from shared.http.responses import _csv
from shared.validation import corrections
from shared.validation.csv_rows import blocks

JOBS, HIRES = tables.find("jobs"), tables.find("hired_employees")
DANGEROUS = ("=", "+", "-", "@", "|", "%", "\t", "\r", "\n")
FORMULAS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    " =1+1",
    "\u00a0=1+1",
    "\ufeff=1+1",
    "\u200b\u202e=1",
    "＝1+1",
    "＋1",
    "\t=1",
    "\r=1",
    "\n=1",
    "'=1",
    "''=1",
    "|calc",
    "%0A=1",
    '=HYPERLINK("http://127.0.0.1/?x="&A1,"1")',
]
SQL = [
    "'; drop table jobs; --",
    "\\'; drop table jobs; --",
    "Robert'); delete from loads where ('1'='1",
    "\\.",
    "\\N",
    "\\copy jobs from program 'id'",
    "$$;select pg_sleep(9);$$",
    ":load_id %(job)s %s {0} {job}",
    "x\ty\n9\tz",
]
LINES = [
    'x"}\n{"severity": "CRITICAL", "message": "forged"}',
    "x\r\nSet-Cookie: a=b",
    "\x1b[31mred",
    "a\u2028\u2029\u0085b",
    "${jndi:ldap://127.0.0.1/a}",
    "<script>alert(1)</script>",
]


def rejects_of(content: bytes) -> list[tuple[int, object, str]]:
    found = []
    for block in blocks(HIRES, io.BytesIO(content), 1 << 20):
        for reject in block.rejects:
            told = " ".join(f"{error.field}: {error.sentence()}" for error in reject.errors)
            found.append((reject.position, reject.raw, told))
    return found


def as_file(rows: list[list[str]], header: bool = False) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    if header:
        writer.writerow(HIRES.names)
    writer.writerows(rows)
    return buffer.getvalue().encode()


@pytest.mark.parametrize("hostile", [*FORMULAS, *SQL, *LINES])
def test_a_reject_is_no_formula_in_its_file_and_comes_back_as_it_was(hostile):
    rows = [[hostile if place == bad else "x" for place in range(5)] for bad in range(5)]
    # Right in number, too few and too many.
    rows += [[hostile] * 5, [hostile] * 9, ["1", "Ada", "2021-01-01T00:00:00Z", "1", "1", hostile]]
    first = rejects_of(as_file([["1", "Ada", "2021-01-01T00:00:00Z", "1", "1"], *rows]))
    assert len(first) == len(rows)

    told = b"".join(corrections.lines(HIRES, first))
    again = rejects_of(told)

    for row in csv.reader(io.StringIO(told.decode(), newline="")):
        assert not [
            cell for cell in row if cell.lstrip(" \u00a0\ufeff\u200b\u202e").startswith(DANGEROUS)
        ]
    assert [raw for _, raw, _ in again] == [raw for _, raw, _ in first]


def test_a_row_of_too_many_cells_is_not_cut_into_one_that_fits():
    good = ["1", "Ada", "2021-01-01T00:00:00Z", "1", "1"]
    (first,) = rejects_of(as_file([good, [*good, "and more"]]))
    told = b"".join(corrections.lines(HIRES, [first]))

    (again,) = rejects_of(told + as_file([[*good, "", ""]]))

    assert again[1] == [*good, "and more"]
    assert "6 fields where the table has 5" in again[2]


@pytest.mark.parametrize("text", [*FORMULAS, *SQL, *LINES, "", "'", "''", "plain", "'tis"])
def test_what_is_shielded_is_unshielded_to_what_it_was(text):
    assert unshield(shield(text)) == text
    assert shield("plain") == "plain"


def test_values_of_a_batch_that_are_no_text_are_told_as_json():
    (line,) = list(corrections.lines(JOBS, [(1, {"id": [1, None], "job": True}, "x")]))[1:]

    assert next(csv.reader(io.StringIO(line.decode())))[:2] == ["[1, null]", "true"]


@pytest.mark.parametrize("hostile", FORMULAS)
def test_a_metric_as_csv_holds_no_formula(hostile):
    told = _csv(["department", "hired"], [[hostile, -1]]).decode()

    _, (department, hired) = csv.reader(io.StringIO(told, newline=""))
    assert unshield(department) == hostile
    assert department.startswith("'")
    assert hired == "-1"


def test_sql_and_lines_in_every_field_are_stored_as_they_are(drop, rows):
    good = [[str(n), text] for n, text in enumerate([*FORMULAS, *SQL, *LINES], 1)]
    bad = [[text, text] for text in [*FORMULAS, *SQL, *LINES]]

    entry = drop("jobs-'; drop table jobs; --.csv", as_file([*good, *bad]))

    assert entry.counts.inserted == len(good)
    assert rows("select job from jobs order by id") == [(text,) for _, text in good]
    kept = rows("select raw from rejected_rows order by position")
    assert [raw for (raw,) in kept] == [dict(zip(JOBS.names, row, strict=True)) for row in bad]


def test_a_file_of_rejects_with_formulas_drops_again_as_it_was(drop, uploads, rows):
    bad = [[f"{text}", text] for text in FORMULAS]
    drop("jobs.csv", as_file([["1", "Welder"], *bad]))
    bucket = uploads.objects.client.bucket(uploads.settings.processed_bucket)

    again = drop("jobs-again.csv", bucket.blob("jobs.csv.rejected.csv").download_as_bytes())

    assert again.counts.rejected == len(bad)
    raws = [json.dumps(raw) for (raw,) in rows("select raw from rejected_rows order by reject_id")]
    assert raws[: len(bad)] == raws[len(bad) :]
