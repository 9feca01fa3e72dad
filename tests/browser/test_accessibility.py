"""The page is accessible on a phone and on a desktop, in light and dark."""

import itertools

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from infra.local import sample
from tests.browser.desk import DESKTOP, PHONE

VARIANTS = [
    pytest.param(size, scheme, id=f"{name} {scheme}")
    for (name, size), scheme in itertools.product(
        (("phone", PHONE), ("desktop", DESKTOP)), ("light", "dark")
    )
]
SERIOUS = ("serious", "critical")


@pytest.fixture(autouse=True, scope="module")
def _sample(operator, tmp_path_factory):
    """The sample data set, a failed file, and a backup."""
    for path in sample.write(tmp_path_factory.mktemp("sample")):
        operator.dropped(path.name, path.read_bytes())
    operator.dropped("jobs-broken.csv", b"\xff\xfe")
    assert operator.api.post("/backup_table/jobs", json={}).status_code == 201
    operator.synced()


def violations(page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {violation['help']}: {[node['target'] for node in violation['nodes']]}"
        for violation in found
        if violation["impact"] in SERIOUS
    ]


def overflow(page) -> list[str]:
    """The elements that extend beyond the page's right edge."""
    return page.evaluate(
        """() => [...document.querySelectorAll("body *")]
          .filter((one) => one.checkVisibility() && !one.closest(".scroll, .skip, svg"))
          .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
          .map((one) => one.outerHTML.slice(0, 100))"""
    )


@pytest.mark.parametrize(("size", "scheme"), VARIANTS)
def test_the_page_has_no_serious_accessibility_violation(open_desk, tmp_path, size, scheme):
    desk = open_desk(size=size, scheme=scheme)
    assert violations(desk.page) == []

    page = desk.opened().page
    expect(page.locator("#rows > li").first).to_be_visible()
    expect(page.locator("#backup-list tbody tr").first).to_be_visible()
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert violations(page) == []

    page.get_by_role("button", name="Correct row").first.click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Restore jobs").first.click()
    expect(page.locator(".preview")).to_be_visible()
    page.screenshot(path=tmp_path / "restore.png")
    assert violations(page) == []


@pytest.mark.parametrize("width", [320, 390, 768, 960, 1024, 1280, 1920])
def test_nothing_overflows_the_page(open_desk, width):
    page = open_desk(size=(width, 800)).opened().page
    expect(page.locator("#rows > li").first).to_be_visible()

    assert overflow(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_focus_is_always_visible_and_never_trapped(open_desk):
    page = open_desk().opened().page
    expect(page.locator("#rows > li").first).to_be_visible()
    page.evaluate("document.activeElement.blur()")
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                """() => {
                  const one = document.activeElement;
                  const style = getComputedStyle(one);
                  return [one.textContent.trim().slice(0, 30) || one.id, style.outlineStyle];
                }"""
            )
        )

    assert [name for name, _ in seen][:5] == [
        "Skip to content",
        "Metrics",
        "Loads",
        "Rejects",
        "Backups",
    ]
    assert {outline for _, outline in seen} == {"solid"}
    assert len({name for name, _ in seen}) > 8
