"""Batches, rejected rows and the OpenAPI document, as a client of the gateway sees them."""

import csv
import io

import httpx
import pytest


@pytest.fixture
def client(platform):
    with httpx.Client(
        base_url=platform.gateway, headers={"X-Token": platform.token}, timeout=60
    ) as made:
        yield made


def test_a_batch_is_stored_while_its_sender_waits(client):
    body = {"rows": [{"id": 9001, "department": "Gate"}, {"id": 9002, "department": ""}]}

    response = client.post("/insert_rows/departments", json=body, headers={"Prefer": "wait=30"})

    assert response.status_code == 200
    assert response.headers["Tablegate-Rejected"] == "1"
    answer = response.json()
    assert answer["counts"]["read"] == 2
    assert answer["counts"]["rejected"] == 1
    status = client.get(f"/insert_rows/batches/{answer['batch_id']}").json()
    assert status["state"] == "stored"
    assert status["counts"] == answer["counts"]


def test_rejected_rows_of_a_batch_are_listed_corrected_and_replayed(client):
    body = {"rows": [{"id": 9003, "department": "Kept"}, {"id": 9004, "department": "=1"}, {}]}
    sent = client.post("/insert_rows/departments", json=body, headers={"Prefer": "wait=30"})
    batch_id = sent.json()["batch_id"]

    (reject,) = client.get("/rejected_rows", params={"source": batch_id}).json()["rows"]
    file = client.get("/rejected_rows.csv", params={"table": "departments", "source": batch_id})
    replayed = client.post(
        "/rejected_rows/replay",
        json={"rows": {str(reject["reject_id"]): {"id": 9005, "department": "Mended"}}},
    )

    assert (reject["position"], reject["raw"], reject["reason"]) == (2, {}, "missing")
    header, line = csv.reader(io.StringIO(file.text, newline=""))
    assert header == ["id", "department", "_line", "_reasons"]
    assert line[2] == "2"
    assert replayed.status_code == 200
    assert replayed.json()["loads"][0]["counts"]["inserted"] == 1


def test_the_gateway_serves_the_document_and_its_page(client):
    document = client.get("/openapi.json")

    assert document.json()["openapi"] == "3.1.0"
    assert "swagger-ui-bundle.js" in client.get("/docs").text
    assert client.get("/docs/swagger-ui-bundle.js").status_code == 200


def test_a_call_without_a_token_is_rejected(platform):
    for method, path in (("POST", "/insert_rows/jobs"), ("GET", "/rejected_rows")):
        assert httpx.request(method, f"{platform.gateway}{path}").status_code == 401
