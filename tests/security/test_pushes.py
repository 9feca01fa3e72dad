"""Only the push service's identity may push, to any function and path."""

import json
from pathlib import Path

import httpx
import pytest

from infra import functions
from tests.support import identities
from tests.support.platform import Platform

FUNCTIONS = functions.read()
# Read from the platform's own configuration, so that a new push is always tested.
PUSHES = sorted({(one.name, push.path) for one in FUNCTIONS for push in one.trigger.push})
EVENTS = [(one.name, "/") for one in FUNCTIONS if one.trigger.signature == "cloudevent"]
EVENT = json.loads((Path(__file__).parents[1] / "events" / "finalized.json").read_text())
MESSAGE = {"message": {"data": "e30=", "messageId": "1", "attributes": {}}, "subscription": "s"}


def push(platform: Platform, name: str, path: str, headers: dict[str, str]) -> httpx.Response:
    event = (name, "/") in EVENTS
    return httpx.post(
        f"{platform.part(name).address}{path}",
        headers={
            **(EVENT["headers"] if event else {}),
            **{key: value.encode("latin-1") for key, value in headers.items()},
        },
        json=EVENT["body"] if event else MESSAGE,
        timeout=60,
    )


def test_there_are_pushes_and_events_to_test():
    assert {name for name, _ in PUSHES} >= {"ingest_csv", "store_rows", "sync_warehouse"}
    assert EVENTS == [("ingest_csv", "/")]


@pytest.mark.parametrize(("name", "path"), sorted({*PUSHES, *EVENTS}))
def test_every_other_identity_is_refused(platform, name, path):
    answers = [
        (who, push(platform, name, path, headers).status_code, status)
        for who, headers, status in identities.strangers(platform)
    ]

    assert [(who, found) for who, found, _ in answers] == [
        (who, status) for who, _, status in answers
    ]


@pytest.mark.parametrize(("name", "path"), sorted({*PUSHES, *EVENTS}))
def test_the_push_service_is_accepted(platform, name, path):
    answer = push(platform, name, path, identities.own(platform.home))

    # 503 while another test holds the warehouse lock; never a refusal.
    assert answer.status_code in (200, 204, 503), answer.text


def test_an_event_is_refused_like_an_http_request(platform):
    answer = push(platform, "ingest_csv", "/", {})

    assert answer.json()["type"] == "urn:tablegate:problem:push-refused"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_events_cannot_be_sent_through_the_gateway(platform):
    for path in ("/ingest_csv", "/ingest_csv/", "/INGEST_CSV", "/%69ngest_csv"):
        answer = httpx.post(f"{platform.gateway}{path}", headers=EVENT["headers"], json={})

        assert answer.status_code == 404, path
