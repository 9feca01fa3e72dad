"""Everything the page loads is served by the function, and nothing else is."""

import re
from pathlib import Path

import pytest

import shared.dashboard
from tests.support import apps
from tests.support.problems import assert_problem

PAGE = Path(shared.dashboard.__file__).with_name("page")
SCRIPTS = sorted(PAGE.glob("script/*.js"))


@pytest.fixture(scope="module")
def client():
    return apps.load("dashboard").app.test_client()


def test_the_page_loads_only_its_own_assets_and_runs_nothing_inline(client):
    response = client.get("/dashboard")
    loaded = re.findall(r'(?:src|href)="(/[^"]*)"', response.text)

    assert response.content_type == "text/html; charset=utf-8"
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert not re.search(r"<style|<script(?![^>]*src=)|\son\w+=|\sstyle=", response.text)
    assert len(loaded) > 6
    for path in loaded:
        asset = client.get(path)
        assert asset.status_code == 200, path
        assert asset.headers["X-Content-Type-Options"] == "nosniff"


def test_every_imported_module_is_served(client):
    served = {path.name for path in SCRIPTS}

    for path in SCRIPTS:
        imported = re.findall(r'from "\./([^"]+)"', path.read_text("utf-8"))
        assert set(imported) <= served, path.name
        response = client.get(f"/dashboard/assets/{path.name}")
        assert response.content_type == "text/javascript; charset=utf-8"


def test_an_unchanged_file_is_not_sent_again(client):
    etag = client.get("/dashboard/assets/app.js").headers["ETag"]

    again = client.get("/dashboard/assets/app.js", headers={"If-None-Match": etag})

    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    "name", ["index.html", "..%2fassets.py", "..", "%2e%2e%2f__init__.py", "app", "%00", "a/app.js"]
)
def test_no_other_file_is_served(client, name):
    assert_problem(client.get(f"/dashboard/assets/{name}"), 404, "unknown-path")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_builds_markup_or_evaluates_text(path):
    text = path.read_text("utf-8")

    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "Function(",
    ):
        assert word not in text
    assert "localStorage" not in text
    assert "://" not in text.replace("http://www.w3.org/2000/svg", "").replace("gs://", "").replace(
        r"gs:\/\/", ""
    )
