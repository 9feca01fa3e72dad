"""What is asked of BigQuery that the stand-in does without."""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from shared.warehouse.bigquery import STAGING_HOURS, Warehouse
from shared.warehouse.columns import Column
from shared.warehouse.names import Names
from tests.support import clients

DONE = {
    "jobReference": {"projectId": "p", "jobId": "j", "location": "US"},
    "configuration": {"load": {}},
    "status": {"state": "DONE"},
}


@pytest.fixture
def asked():
    """The requests that an endpoint has received, as (path, body); its answers fit all of them."""
    found = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            body = json.loads(self.rfile.read(length))
            found.append((self.path.partition("?")[0], body))
            answer = json.dumps({**DONE, **body, "status": DONE["status"]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Endpoint) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        found.append(f"http://127.0.0.1:{server.server_port}")
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture
def warehouse(asked):
    """A warehouse at that endpoint."""
    client = clients.of_bigquery(asked.pop())
    yield Warehouse(client, Names("p", "stars", "reports"), timeout_seconds=5)
    client.close()


def test_a_staging_table_deletes_itself_after_hours(asked, warehouse):
    warehouse.create_staging("staging_x", [Column("id", "INT64", "")])

    ((path, body),) = asked
    assert path == "/bigquery/v2/projects/p/datasets/stars/tables"
    expires = datetime.fromtimestamp(int(body["expirationTime"]) / 1000, UTC)
    hour = timedelta(hours=1)
    assert hour < expires - datetime.now(UTC) <= STAGING_HOURS * hour
    assert body["schema"]["fields"] == [{"name": "id", "type": "INT64", "mode": "REQUIRED"}]


def test_a_load_keeps_the_types_of_an_export_and_replaces_rows_of_an_earlier_attempt(
    asked, warehouse
):
    warehouse.load_avro("gs://b/x.avro", "staging_x", "load_x")

    ((_, body),) = asked
    load = body["configuration"]["load"]
    # Without its logical type, a moment would be a number.
    assert load["useAvroLogicalTypes"] is True
    assert load["writeDisposition"] == "WRITE_TRUNCATE"
