"""The stand-ins among other accounts and web pages of the same machine."""

import io
import json
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery

from infra.local import features, ports
from infra.local.layout import PROJECT
from tests.support.checkout import ROOT
from tests.support.platform import wait_until

SECRET = "canary-7f3a-stand-in"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that is not the platform's."""
    file = tmp_path / "secret.csv"
    file.write_text(f"word\n{SECRET}\n")
    return file


def run(client: bigquery.Client, sql: str) -> str:
    """Run a statement; returns its rows, or why it failed, as text."""
    try:
        return json.dumps(
            [dict(row) for row in client.query(sql, retry=None).result()], default=str
        )
    except GoogleAPICallError as error:
        return str(error)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('{file}')",
        "select * from read_csv('{file}')",
        "select * from read_text('{storage}/../{link}')",
        "create or replace table fence.t as select content from read_blob('{file}')",
    ],
)
def test_bigquery_reads_no_file_of_its_account(bigquery_client, stand_ins, secret, sql):
    dataset(bigquery_client)
    link = stand_ins.home.path / "link.csv"
    link.unlink(missing_ok=True)
    link.symlink_to(secret)

    answer = run(
        bigquery_client,
        sql.format(file=secret, storage=stand_ins.home.storage, link=link.name),
    )

    assert SECRET not in answer
    assert "disabled by configuration" in answer


@pytest.mark.parametrize("folder", ["elsewhere", "storage", "keys"])
def test_bigquery_writes_no_file_of_its_account(bigquery_client, stand_ins, tmp_path, folder):
    target = {
        "elsewhere": tmp_path,
        "storage": stand_ins.home.storage,
        "keys": stand_ins.home.signing_key.parent,
    }[folder] / "written.csv"

    answer = run(bigquery_client, f"copy (select 1 as x) to '{target}'")

    assert not target.exists(), answer


@pytest.mark.parametrize(
    "sql",
    [
        "set lock_configuration = false",
        "set enable_external_access = true",
        "set allowed_directories = ['/']",
        "load '/tmp/evil.duckdb_extension'",
        "attach '/tmp/other.duckdb' as other",
    ],
)
def test_bigquery_cannot_be_opened_again(bigquery_client, secret, sql):
    run(bigquery_client, sql)

    assert SECRET not in run(bigquery_client, f"select * from read_text('{secret}')")


@pytest.mark.parametrize("kind", ["CSV", "AVRO", "ORC", "NEWLINE_DELIMITED_JSON", "PARQUET"])
def test_bigquery_loads_no_file_of_its_account(bigquery_client, secret, kind):
    table = f"{PROJECT}.{dataset(bigquery_client)}.loaded"
    config = bigquery.LoadJobConfig(source_format=kind, autodetect=True)

    with pytest.raises(GoogleAPICallError, match="gs://"):
        bigquery_client.load_table_from_uri(f"file://{secret}", table, job_config=config).result()


def dataset(client: bigquery.Client) -> str:
    client.create_dataset("fence", exists_ok=True)
    return "fence"


def test_bigquery_loads_what_is_uploaded_and_what_is_in_storage(
    bigquery_client, storage_client, bucket
):
    table = f"{PROJECT}.{dataset(bigquery_client)}.words"
    bigquery_client.delete_table(table, not_found_ok=True)
    config = bigquery.LoadJobConfig(source_format="CSV", autodetect=True, skip_leading_rows=1)
    storage_client.bucket(bucket).blob("words.csv").upload_from_string("word\nstored\n")

    bigquery_client.load_table_from_uri(
        f"gs://{bucket}/words.csv", table, job_config=config
    ).result()
    bigquery_client.load_table_from_file(
        io.BytesIO(b"word\nuploaded\n"), table, job_config=config
    ).result()

    assert sorted(row.word for row in bigquery_client.list_rows(table)) == ["stored", "uploaded"]


FOREIGN = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Host": "evil.example"},
    {"Host": "evil.example:80"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_bigquery_refuses_web_pages(bigquery_endpoint, headers):
    url = f"{bigquery_endpoint}/bigquery/v2/projects/{PROJECT}/queries"

    answer = httpx.post(url, json={"query": "select 1", "useLegacySql": False}, headers=headers)

    assert answer.status_code == 403


def test_bigquery_accepts_its_own_names(bigquery_endpoint):
    url = f"{bigquery_endpoint}/bigquery/v2/projects/{PROJECT}/datasets"
    port = bigquery_endpoint.rpartition(":")[2]

    for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
        assert httpx.get(url, headers={"Host": host}).status_code == 200
        own = {"Host": host, "Origin": f"http://{host}"}
        assert httpx.get(url, headers=own).status_code == 200


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
def test_storage_refuses_web_pages(storage_endpoint, bucket, method, headers):
    url = f"{storage_endpoint}/storage/v1/b/{bucket}"

    answer = httpx.request(method, url, headers=headers)

    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert httpx.get(url).status_code == 200


def test_storage_accepts_its_own_names(storage_endpoint, bucket):
    port = storage_endpoint.rpartition(":")[2]

    for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
        url = f"{storage_endpoint}/storage/v1/b/{bucket}"
        assert httpx.get(url, headers={"Host": host}).status_code == 200


@pytest.mark.skipif(not features.has_loopback_network(), reason="127.0.0.1 is all there is")
def test_the_server_behind_storage_is_on_no_known_address(storage_endpoint):
    port = int(storage_endpoint.rpartition(":")[2])

    listening = {
        connection.laddr.ip
        for connection in psutil.net_connections("tcp4")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    }

    (behind,) = listening - {"127.0.0.1"}
    assert behind.startswith("127.")
    assert len(listening) == 2


def test_the_server_behind_storage_ends_with_the_one_before_it():
    port = ports.choose(["storage"], {}, {})["storage"]
    proxy = subprocess.Popen(
        [
            *(sys.executable, "-m", "infra.local.storage_proxy", "--port", str(port)),
            *("--", sys.executable, "-c", "import time; time.sleep(60)"),
        ],
        cwd=ROOT,
    )
    wait_until(lambda: bool(psutil.Process(proxy.pid).children()), "started")
    (behind,) = psutil.Process(proxy.pid).children()

    proxy.kill()
    proxy.wait()

    assert psutil.wait_procs([behind], timeout=10)[1] == []
