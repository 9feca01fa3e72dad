"""api_docs serves the OpenAPI document and a page that loads nothing from other hosts."""

import re

import pytest

from shared.api import api_docs
from tests.support import apps
from tests.support.problems import assert_problem


@pytest.fixture(scope="module")
def client():
    return apps.load("api_docs").app.test_client()


def test_the_document_is_served(client):
    response = client.get("/openapi.json")

    assert response.content_type == "application/json"
    assert response.get_json() == api_docs.build()


def test_an_unchanged_document_is_not_sent_again(client):
    etag = client.get("/openapi.json").headers["ETag"]

    again = client.get("/openapi.json", headers={"If-None-Match": etag})

    assert (again.status_code, again.data) == (304, b"")


def test_the_page_loads_only_its_own_assets_and_runs_nothing_inline(client):
    response = client.get("/docs")
    loaded = re.findall(r'(?:src|href)="([^"]*)"', response.text)

    assert response.content_type == "text/html; charset=utf-8"
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert "<style" not in response.text
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=", response.text)
    assert len(loaded) == 4
    for path in loaded:
        asset = client.get(path)
        assert asset.status_code == 200, path
        assert len(asset.data) > 100
        assert asset.headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_is_also_served_under_the_gateways_prefix(client):
    assert client.get("/api_docs/docs").data == client.get("/docs").data


@pytest.mark.parametrize(
    "name",
    ["index.html", "__init__.py", "..%2f..%2fsettings.py", "swagger-ui.js", "VERSION", "%00"],
)
def test_no_other_file_is_served(client, name):
    assert_problem(client.get(f"/docs/{name}"), 404, "unknown-path")
