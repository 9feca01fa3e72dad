"""A token with few scopes works for its sections; the others say which scope is missing."""

import pytest
from playwright.sync_api import expect

MISSING_SCOPE = "This token does not open 'rejects'; ask the operator for one that does."


@pytest.fixture(autouse=True, scope="module")
def _hires(operator):
    operator.dropped("departments.csv", b"1,Sales\n")
    operator.dropped("jobs.csv", b"1,Clerk\n")
    operator.dropped("hired_employees.csv", b"1,Ana Lee,2021-02-01T10:00:00Z,1,1\n")
    operator.synced()


def forbid(page, *paths):
    for path in paths:
        page.route(path, lambda route: route.fulfill(status=403, json={"detail": MISSING_SCOPE}))


def test_without_the_scope_rejects_the_metrics_are_shown(open_desk):
    desk = open_desk()
    forbid(desk.page, "**/loads?*", "**/dashboard/reasons", "**/rejected_rows*")
    desk.sign_in()

    desk.expect_bars(1, 0, 0, 0)
    for place in ("#ledger", "#reasons"):
        expect(desk.page.locator(place)).to_have_text(MISSING_SCOPE)


def test_without_the_scope_metrics_the_loads_are_shown(open_desk):
    desk = open_desk()
    forbid(desk.page, "**/hires_by_quarter*", "**/departments_above_mean*", "**/freshness")
    desk.sign_in()

    expect(desk.load("hired_employees.csv")).to_contain_text("In the warehouse")
    expect(desk.page.locator("#metric-hires_by_quarter-rows")).to_have_text(MISSING_SCOPE)


def test_an_ended_session_returns_to_the_sign_in_form(open_desk):
    desk = open_desk()
    desk.sign_in()
    expect(desk.load("jobs.csv")).to_be_visible()

    desk.page.route("**/loads?*", lambda route: route.fulfill(status=401, json={}))

    expect(desk.page.get_by_role("alert")).to_contain_text("sign in with another")
    expect(desk.page.locator("#app")).to_be_hidden()
    assert desk.page.evaluate("sessionStorage.length") == 0
