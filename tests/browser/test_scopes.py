"""A token that opens less is good for what it opens; the other sections say what they lack."""

import pytest
from playwright.sync_api import expect

LACK = "This token does not open 'rejects'; ask the operator for one that does."


@pytest.fixture(autouse=True, scope="module")
def _hires(operator):
    operator.dropped("departments.csv", b"1,Sales\n")
    operator.dropped("jobs.csv", b"1,Clerk\n")
    operator.dropped("hired_employees.csv", b"1,Ana Lee,2021-02-01T10:00:00Z,1,1\n")
    operator.synced()


def refuse(page, *paths):
    for path in paths:
        page.route(path, lambda route: route.fulfill(status=403, json={"detail": LACK}))


def test_without_rejects_the_metrics_are_there(open_desk):
    desk = open_desk()
    refuse(desk.page, "**/dashboard/loads*", "**/dashboard/reasons", "**/rejected_rows*")
    desk.sign_in()

    desk.expect_bars(1, 0, 0, 0)
    for place in ("#ledger", "#reasons"):
        expect(desk.page.locator(place)).to_have_text(LACK)


def test_without_metrics_the_loads_are_there(open_desk):
    desk = open_desk()
    refuse(desk.page, "**/hires_by_quarter*", "**/departments_above_mean*", "**/freshness")
    desk.sign_in()

    expect(desk.load("hired_employees.csv")).to_contain_text("In the warehouse")
    expect(desk.page.locator("#breakdown")).to_have_text(LACK)


def test_a_session_that_ends_leads_back_to_the_door(open_desk):
    desk = open_desk()
    desk.sign_in()
    expect(desk.load("jobs.csv")).to_be_visible()

    desk.page.route("**/dashboard/loads*", lambda route: route.fulfill(status=401, json={}))

    expect(desk.page.get_by_role("alert")).to_contain_text("sign in with another")
    expect(desk.page.locator("#app")).to_be_hidden()
    assert desk.page.evaluate("sessionStorage.length") == 0
