"""A link of `./tablegate open` signs a browser in, once."""

import pytest
from playwright.sync_api import expect

from infra.local import sign_in


@pytest.fixture
def follow(open_desk, platform):
    def act(link):
        desk = open_desk()
        # Another address of the same page would not load it again.
        desk.page.goto("about:blank")
        desk.page.goto(link)
        return desk.page

    return act


def test_a_link_signs_in_and_leaves_no_code_in_the_address(operator, platform, follow):
    page = follow(sign_in.link(platform.home, platform.gateway))

    page.wait_for_selector("#tiles li")
    assert page.url == f"{platform.gateway}/dashboard"
    assert page.evaluate("Object.values(sessionStorage)") == [platform.token]
    page.reload()
    page.wait_for_selector("#tiles li")


def test_a_link_that_was_used_says_how_to_get_another(operator, platform, follow):
    link = sign_in.link(platform.home, platform.gateway)
    assert sign_in.exchange(platform.home, link.rpartition("=")[2]) == platform.token

    page = follow(link)

    expect(page.get_by_role("alert")).to_contain_text("./tablegate open")
    expect(page.locator("#app")).to_be_hidden()


def test_a_link_that_is_too_old_signs_nobody_in(platform, monkeypatch):
    link = sign_in.link(platform.home, platform.gateway)
    monkeypatch.setattr(sign_in, "SECONDS", -1)

    assert sign_in.exchange(platform.home, link.rpartition("=")[2]) is None
