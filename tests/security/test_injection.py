"""Text that looks like SQL, a formula or a log line is stored and exported as plain text."""

import csv
import io
import json

import pytest

from shared import tables
from shared.formulas import shield, unshield
from shared.http.responses import csv_lines
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
            sentences = " ".join(f"{error.field}: {error.sentence()}" for error in reject.errors)
            found.append((reject.position, reject.raw, sentences))
    return found


def as_file(rows: list[list[str]], header: bool = False) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    if header:
        writer.writerow(HIRES.names)
    writer.writerows(rows)
    return buffer.getvalue().encode()


@pytest.mark.parametrize("hostile", [*FORMULAS, *SQL, *LINES])
def test_a_reject_is_not_a_formula_in_the_corrections_file_and_survives_reupload(hostile):
    rows = [[hostile if place == bad else "x" for place in range(5)] for bad in range(5)]
    # The right number of fields, and too many.
    rows += [[hostile] * 5, [hostile] * 9, ["1", "Ada", "2021-01-01T00:00:00Z", "1", "1", hostile]]
    first = rejects_of(as_file([["1", "Ada", "2021-01-01T00:00:00Z", "1", "1"], *rows]))
    assert len(first) == len(rows)

    exported = b"".join(corrections.lines(HIRES, first))
    again = rejects_of(exported)

    for row in csv.reader(io.StringIO(exported.decode(), newline="")):
        assert not [
            cell for cell in row if cell.lstrip(" \u00a0\ufeff\u200b\u202e").startswith(DANGEROUS)
        ]
    assert [raw for _, raw, _ in again] == [raw for _, raw, _ in first]


def test_a_row_with_too_many_cells_is_not_truncated_to_fit():
    good = ["1", "Ada", "2021-01-01T00:00:00Z", "1", "1"]
    (first,) = rejects_of(as_file([good, [*good, "and more"]]))
    exported = b"".join(corrections.lines(HIRES, [first]))

    (again,) = rejects_of(exported + as_file([[*good, "", ""]]))

    assert again[1] == [*good, "and more"]
    assert "6 fields, but the table has 5" in again[2]


@pytest.mark.parametrize("text", [*FORMULAS, *SQL, *LINES, "", "'", "''", "plain", "'tis"])
def test_unshielding_reverses_shielding(text):
    assert unshield(shield(text)) == text
    assert shield("plain") == "plain"


def test_values_other_than_text_are_exported_as_json():
    (line,) = list(corrections.lines(JOBS, [(1, {"id": [1, None], "job": True}, "x")]))[1:]

    assert next(csv.reader(io.StringIO(line.decode())))[:2] == ["[1, null]", "true"]


@pytest.mark.parametrize("hostile", FORMULAS)
def test_metrics_as_csv_hold_no_formula(hostile):
    exported = csv_lines([["department", "hired"], [hostile, -1]]).decode()

    _, (department, hired) = csv.reader(io.StringIO(exported, newline=""))
    assert unshield(department) == hostile
    assert department.startswith("'")
    assert hired == "-1"


def test_sql_and_line_breaks_in_every_field_are_stored_unchanged(drop, rows):
    good = [[str(n), text] for n, text in enumerate([*FORMULAS, *SQL, *LINES], 1)]
    bad = [[text, text] for text in [*FORMULAS, *SQL, *LINES]]

    entry = drop("jobs-'; drop table jobs; --.csv", as_file([*good, *bad]))

    assert entry.counts.inserted == len(good)
    assert rows("select job from jobs order by id") == [(text,) for _, text in good]
    recorded = rows("select raw from rejected_rows order by position")
    assert [raw for (raw,) in recorded] == [dict(zip(JOBS.names, row, strict=True)) for row in bad]


def test_a_rejects_file_with_formulas_survives_another_upload(drop, uploads, rows):
    bad = [[f"{text}", text] for text in FORMULAS]
    drop("jobs.csv", as_file([["1", "Welder"], *bad]))
    bucket = uploads.objects.client.bucket(uploads.settings.processed_bucket)

    again = drop("jobs-again.csv", bucket.blob("jobs.csv.rejected.csv").download_as_bytes())

    assert again.counts.rejected == len(bad)
    raws = [json.dumps(raw) for (raw,) in rows("select raw from rejected_rows order by reject_id")]
    assert raws[: len(bad)] == raws[len(bad) :]
