"""The Eventarc stand-in delivers events as Eventarc does and passes on the function's answer."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from infra import functions
from infra.local import eventarc, ports, storage_event
from infra.local.layout import Layout

NOTIFICATION = json.loads(
    (Path(__file__).parents[2] / "events" / "storage_notification.json").read_text()
)


@pytest.fixture
def event() -> storage_event.CloudEvent:
    message = NOTIFICATION["message"]
    resource = json.loads(base64.b64decode(message["data"]))
    return storage_event.from_notification(
        message["messageId"], message["publishTime"], message["attributes"], resource
    )


def test_the_headers_are_those_of_a_binary_cloud_event(event: storage_event.CloudEvent) -> None:
    assert event.headers == {
        "ce-specversion": "1.0",
        "ce-id": "1795473338312001",
        "ce-type": "google.cloud.storage.object.v1.finalized",
        "ce-source": "//storage.googleapis.com/projects/_/buckets/tablegate-uploads",
        "ce-subject": "objects/s%C3%A9nder/jobs%20of%20100%25%20%22new%22.csv",
        "ce-time": "2026-11-23T22:35:38.295216Z",
        "ce-bucket": "tablegate-uploads",
        "content-type": "application/json",
    }


def test_the_body_is_the_object_in_googles_format(event: storage_event.CloudEvent) -> None:
    name = 'sénder/jobs of 100% "new".csv'
    escaped = "s%C3%A9nder%2Fjobs%20of%20100%25%20%22new%22.csv"
    created = "2026-11-23T22:35:38.295216Z"

    assert event.body == {
        "kind": "storage#object",
        "id": f"tablegate-uploads/{name}/1795473338295221",
        "selfLink": f"https://www.googleapis.com/storage/v1/b/tablegate-uploads/o/{escaped}",
        "mediaLink": "https://www.googleapis.com/download/storage/v1/b/tablegate-uploads/o/"
        f"{escaped}?generation=1795473338295221&alt=media",
        "name": name,
        "bucket": "tablegate-uploads",
        "generation": "1795473338295221",
        "metageneration": "1",
        "contentType": "text/csv",
        "timeCreated": created,
        "updated": "2026-11-23T22:35:38.29522Z",
        "timeStorageClassUpdated": created,
        "storageClass": "STANDARD",
        "size": "5",
        "md5Hash": "iiMy6voXqlKPf9Rund/6OA==",
        "crc32c": "mxRwGw==",
        "metadata": {"tablegate-resend": "newest"},
    }


def test_a_line_break_in_an_objects_name_is_escaped_in_the_header() -> None:
    assert storage_event.encoded("objects/a\r\nb\x00.csv") == "objects/a%0D%0Ab%00.csv"


@pytest.mark.parametrize("status", [200, 204, 409, 500])
def test_the_push_is_answered_with_the_functions_status(status: int) -> None:
    answer, delivered = asyncio.run(_push(NOTIFICATION, status))

    assert answer == status
    assert [request["ce-type"] for request in delivered] == [storage_event.TYPE]


def test_pubsub_retries_if_the_function_is_down() -> None:
    answer, _ = asyncio.run(_push(NOTIFICATION, None))

    assert answer == 503


def test_another_kind_of_event_is_acknowledged_and_not_delivered() -> None:
    message = dict(NOTIFICATION["message"])
    message["attributes"] = {**message["attributes"], "eventType": "OBJECT_DELETE"}

    answer, delivered = asyncio.run(_push({"message": message}, 200))

    assert (answer, delivered) == (204, [])


def test_a_message_that_is_not_a_notification_is_refused() -> None:
    answer, delivered = asyncio.run(_push({"message": {"data": "e30="}}, 200))

    assert (answer, delivered) == (400, [])


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}])
def test_a_web_page_is_refused(headers: dict[str, str]) -> None:
    answer, delivered = asyncio.run(_push(NOTIFICATION, 200, headers))

    assert (answer, delivered) == (403, [])


async def _push(
    body: dict[str, Any], status: int | None, headers: dict[str, str] | None = None
) -> tuple[int, list[dict[str, str]]]:
    """Push a body to the stand-in; its function answers `status`, or is down if None."""
    delivered: list[dict[str, str]] = []

    async def function(request: web.Request) -> web.Response:
        delivered.append({name.lower(): value for name, value in request.headers.items()})
        return web.Response(status=status or 500)

    chosen = ports.choose(["eventarc", "ingest_csv"], {}, {})
    described = tuple(one for one in functions.read() if one.name == "ingest_csv")
    layout = Layout(chosen, described, "")
    target = web.Application()
    target.router.add_post("/", function)
    runners = [await _serve(eventarc.application(layout), chosen["eventarc"])]
    if status is not None:
        runners.append(await _serve(target, chosen["ingest_csv"]))
    try:
        async with (
            ClientSession() as session,
            session.post(f"{layout.url('eventarc')}/uploads", json=body, headers=headers) as answer,
        ):
            return answer.status, delivered
    finally:
        for runner in runners:
            await runner.cleanup()


async def _serve(app: web.Application, port: int) -> web.AppRunner:
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner
