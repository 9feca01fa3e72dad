"""What an operator does with the page: from a file with invalid rows to an updated chart."""

import json
import re

import pytest
from playwright.sync_api import expect

DEPARTMENTS = "1,Sales\n2,Support\n"
JOBS = "1,Recruiter\n2,Engineer\n"
HIRES = (
    "1,Ana Lee,2021-02-01T10:00:00Z,1,1\n"
    "2,Bo Chen,2021-02-02T10:00:00Z,1,2\n"
    "3,Cy Roe,2021-08-03T10:00:00Z,2,1\n"
    "4,,2021-11-04T10:00:00Z,1,1\n"
    "9007199254740993,Di Fox,yesterday,2,2\n"
)


@pytest.fixture(autouse=True, scope="module")
def _empty(operator):
    """Start with an empty platform; each test continues from the state of the one before."""


@pytest.fixture
def desk(open_desk):
    return open_desk().opened()


def test_a_wrong_token_is_rejected_and_the_right_one_is_stored_only_in_the_tab(open_desk):
    desk = open_desk()
    desk.sign_in("wrong")
    expect(desk.page.get_by_role("alert")).to_contain_text("not known")

    desk.sign_in()
    expect(desk.page.get_by_role("heading", name="Metrics", exact=True)).to_be_visible()
    stored = desk.page.evaluate("[Object.values(sessionStorage), localStorage.length]")
    desk.page.reload()

    assert len(stored[0]) == 1
    assert stored[1] == 0
    assert desk.page.context.cookies() == []
    expect(desk.page.get_by_role("heading", name="Metrics", exact=True)).to_be_visible()
    desk.page.get_by_role("button", name="Sign out").click()
    expect(desk.page.get_by_label("Token")).to_be_focused()
    assert desk.page.evaluate("sessionStorage.length") == 0


def test_a_dropped_file_is_followed_until_it_is_in_the_chart(desk, tmp_path):
    for name, content in (("departments.csv", DEPARTMENTS), ("jobs.csv", JOBS)):
        (tmp_path / name).write_text(content)
    desk.choose(tmp_path / "departments.csv", tmp_path / "jobs.csv")
    expect(desk.upload("jobs.csv")).to_contain_text("2 rows of jobs: 2 inserted")

    desk.drop("hired_employees-july.csv", HIRES)

    expect(desk.upload("hired_employees-july.csv")).to_contain_text("3 inserted, 2 rejected")
    load = desk.load("hired_employees-july.csv")
    expect(load).to_contain_text("In the warehouse")
    expect(load.get_by_role("cell").nth(2)).to_have_text("5")
    desk.expect_bars(2, 0, 1, 0)
    expect(desk.page.locator("#metric-departments_above_mean li").first).to_contain_text(
        "Sales2, above the mean"
    )


def test_the_chart_follows_its_filters_and_the_year(desk):
    desk.expect_bars(2, 0, 1, 0)

    desk.page.get_by_label("Job", exact=True).select_option("Recruiter")
    desk.expect_bars(1, 0, 1, 0)
    desk.page.get_by_label("Department", exact=True).select_option("Support")
    desk.expect_bars(0, 0, 1, 0)
    desk.page.get_by_label("Year").fill("2020")
    desk.page.keyboard.press("Tab")

    desk.expect_bars(0, 0, 0, 0)
    expect(desk.page.locator("#metric-hires_by_quarter-rows")).to_contain_text("No rows")


def test_a_reason_leads_to_its_rejected_rows(desk):
    reasons = desk.page.locator("#reasons button")
    expect(reasons).to_have_count(2)

    reasons.filter(has_text="Not a timestamp").click()

    expect(desk.page.locator("#rows > li")).to_have_count(1)
    expect(desk.reject("Di Fox")).to_contain_text("hired_employees-july.csv, line 5")
    expect(desk.reject("Di Fox")).to_contain_text("9007199254740993")
    desk.page.get_by_role("button", name="Show all", exact=True).click()
    expect(desk.page.locator("#rows > li")).to_have_count(2)


def test_a_load_leads_to_its_rejected_rows(desk):
    desk.load("hired_employees-july.csv").get_by_role("button", name="2").click()

    expect(desk.page.locator("#chosen")).to_contain_text("From hired_employees-july.csv")
    expect(desk.page.locator("#rows > li")).to_have_count(2)


def test_a_row_is_corrected_by_keyboard_and_the_chart_updates(desk, operator):
    desk.page.get_by_role("button", name="Correct row").last.focus()
    desk.page.keyboard.press("Enter")
    expect(desk.page.get_by_label("name", exact=True)).to_be_focused()

    desk.page.keyboard.type("   ")
    desk.page.keyboard.press("Enter")
    expect(desk.page.get_by_role("dialog")).to_contain_text("Must not be blank")
    desk.page.keyboard.press("Control+A")
    desk.page.keyboard.type("Eve Day")
    desk.page.keyboard.press("Enter")

    desk.expect_notice("Replayed: 1 row stored.")
    desk.expect_bars(2, 0, 1, 1)
    expect(desk.page.locator("#rows > li")).to_have_count(1)
    assert operator.ask("select name from hired_employees where id = 4") == [{"name": "Eve Day"}]


def test_a_64_bit_integer_survives_the_form(desk, operator):
    desk.page.get_by_role("button", name="Correct row").click()
    desk.page.get_by_label("datetime").fill("2021-05-05T10:00:00Z")
    desk.page.get_by_role("button", name="Replay").click()

    desk.expect_notice("Replayed: 1 row stored.")
    assert operator.count("select count(*) from hired_employees where id = 9007199254740993") == 1
    expect(desk.page.locator("#reasons")).to_contain_text("No rejected rows.")


def test_selected_rows_are_discarded(desk, operator):
    desk.drop("jobs-more.csv", "7,\n8,\n9,Clerk\n")
    expect(desk.page.locator("#rows > li")).to_have_count(2)

    for box in desk.page.get_by_role("checkbox").all():
        box.check()
    desk.page.get_by_role("button", name="Discard 2 rows").click()

    desk.expect_notice("2 rows discarded.")
    expect(desk.page.locator("#rows")).to_contain_text("No rows to show.")
    assert operator.count("select count(*) from rejected_rows where status = 'discarded'") == 2


def test_rows_are_downloaded_as_a_file_to_correct(desk):
    desk.drop("jobs-again.csv", "7,\n")
    expect(desk.page.locator("#rows > li")).to_have_count(1)

    with desk.page.expect_download() as download:
        desk.page.get_by_role("button", name="Download to correct").click()

    assert download.value.suggested_filename == "jobs-corrected.csv"
    lines = download.value.path().read_text().splitlines()
    assert lines[0] == "id,job,_line,_reasons"
    assert len(lines) == 2


def test_a_file_that_is_no_csv_of_its_table_shows_its_error(desk):
    desk.drop("jobs.csv", "a\x00b\n")

    expect(desk.upload("jobs.csv").locator("p").last).not_to_contain_text("Sending")
    desk.drop("somewhere.csv", "1,Elsewhere\n")
    row = desk.upload("somewhere.csv")
    row.get_by_role("combobox").select_option("departments")
    row.get_by_role("button", name="Send").click()
    expect(row).to_contain_text("1 row of departments: 1 updated")


def test_a_backup_is_made_and_restored_after_its_preview(desk, operator):
    page = desk.page
    page.get_by_label("Table", exact=True).select_option("departments")
    page.get_by_role("button", name="Back up", exact=True).click()
    desk.expect_notice("departments is backed up.")
    desk.drop("departments-wrong.csv", "2,Wrong\n3,Extra\n")
    expect(desk.upload("departments-wrong.csv")).to_contain_text("1 inserted, 1 updated")

    page.get_by_role("button", name=re.compile("Restore departments")).first.click()
    preview = page.locator(".preview")
    expect(preview).to_contain_text("would be deleted1")
    expect(preview).to_contain_text("would be updated1")
    assert operator.count("select count(*) from departments") == 3
    page.get_by_label("Merge").check()
    expect(preview).to_contain_text("would be deleted0")
    page.get_by_label("Replace").check()
    expect(preview).to_contain_text("would be deleted1")
    page.get_by_role("button", name="Restore", exact=True).last.click()

    desk.expect_notice("departments is restored: 0 inserted, 1 updated, 1 deleted.")
    expect(desk.page.locator("#ledger")).to_contain_text("deleted 1 row")
    names = operator.ask("select department from departments order by id")
    assert json.dumps(names) == '[{"department": "Elsewhere"}, {"department": "Support"}]'


def test_the_visible_section_is_marked_in_the_navigation(desk):
    current = desk.page.locator(".bar nav a[aria-current]")
    expect(current).to_have_text("Metrics")
    expect(desk.page.locator("#backup-list tbody tr").first).to_be_visible()

    for name in ("Loads", "Backups"):
        desk.page.get_by_role("link", name=name).click()

        expect(current).to_have_text(name)
        expect(desk.page.get_by_role("heading", name=name, exact=True)).to_be_in_viewport()
