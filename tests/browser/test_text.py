"""Data is always shown as text and never executed."""

import httpx
import pytest
from playwright.sync_api import Error, expect

from tests.support.platform import wait_until

CARDS = (
    "#metric-hires_by_quarter-rows",
    "#metric-hires_by_quarter-department",
    "#metric-departments_above_mean-rows",
)
MARKUP = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


@pytest.fixture(scope="module")
def marked(operator):
    """Markup in every value that the page shows: names, raw rows, a file's name and its error."""
    for table, row in (
        ("departments", {"id": 1, "department": MARKUP}),
        # Hires nobody, so that the other is above the mean.
        ("departments", {"id": 3, "department": "Legal"}),
        ("jobs", {"id": 1, "job": MARKUP}),
        ("hired_employees", [1, MARKUP, "2021-02-01T10:00:00Z", 1, 1]),
    ):
        names = ("id", "name", "datetime", "department_id", "job_id")
        values = row if isinstance(row, dict) else dict(zip(names, row, strict=True))
        bad = {**values, "id": 2, MARKUP: MARKUP}
        answer = operator.api.post(f"/insert_rows/{table}", json={"rows": [values, bad]})
        assert answer.status_code == 202, answer.text
    operator.drop(f"nowhere-{MARKUP.replace('/', '')}.csv", b"1,2\n")
    wait_until(lambda: operator.count("select count(*) from loads") == 5, "loaded")
    operator.synced()
    return operator


def test_data_is_shown_as_text(marked, open_desk):
    page = open_desk().opened().page

    for place in (*CARDS, "#rows", "#ledger"):
        expect(page.locator(place)).to_contain_text("onerror=")
    page.get_by_role("button", name="Correct row").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("<img src=x")

    assert page.title() == "Tablegate"
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("script").count() == 1


def test_a_message_with_markup_is_shown_as_text(marked, open_desk):
    page = open_desk().opened().page

    page.route("**/loads?*", lambda route: route.fulfill(status=400, json={"detail": MARKUP}))

    expect(page.locator("#ledger")).to_contain_text("<script>")
    assert page.title() == "Tablegate"


def test_the_browser_itself_blocks_markup_and_inline_scripts(browser, platform):
    page = browser.new_page()
    page.goto(f"{platform.gateway}/dashboard")

    refused = page.evaluate(
        """() => {
          const script = document.createElement("script");
          try { script.text = "document.title = 'taken'"; } catch (error) { return error.name; }
          document.body.append(script);
        }"""
    )

    assert refused == "TypeError"
    with pytest.raises(Error, match="TrustedHTML"):
        page.evaluate("document.body.innerHTML = '<b>x</b>'")
    assert page.title() == "Tablegate"
    page.close()


def test_the_page_cannot_be_framed_and_loads_only_from_its_own_origin(platform):
    policy = httpx.get(f"{platform.gateway}/dashboard").headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
