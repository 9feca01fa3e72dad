"""Generated clients call every function: each reads every success, and problems of every cause."""

import gzip
import importlib
import io
import json
from datetime import UTC, datetime

import httpx
import pytest

from shared import tables, wiring
from shared.http.document import PROBLEM_TYPES
from shared.http.problems import MEDIA_TYPE as PROBLEM
from shared.http.problems import PREFIX
from shared.loading import batches, store
from shared.settings import SCOPES
from tests.support import apps

TOKENS = {"ann": SCOPES, "reader": ("metrics",)}
AT_ROOT = {"rejected_rows.csv": "rejected_rows", "openapi.json": "api_docs", "docs": "api_docs"}
# Only faults, or files that are damaged in a certain way, give these; the unit tests read them.
BY_FAULTS = {
    *("internal-error", "answer-lost", "body-too-slow", "push-refused", "wrong-account"),
    *("wrong-schema", "bad-rows", "doubled-keys", "not-unique"),
    *("truncated", "too-large", "unknown-codec"),
}
HIRE = {"id": 1, "name": "Ana", "datetime": "2021-02-03T04:05:06Z", "department_id": 1, "job_id": 1}


class Calls:
    """Calls of operations through generated clients.

    Attributes:
        functions: the functions that were called.
        answered: operation and status of every success.
        problems: slugs of every problem.
    """

    def __init__(self, generated, buckets, pull):
        self.generated, self.buckets, self.pull = generated, buckets, pull
        self.transport = httpx.WSGITransport(self._gateway)
        self.functions = {}
        self.answered, self.problems = set(), set()
        self.models = importlib.import_module(f"{generated.client.__name__}.models")
        self.types = importlib.import_module(f"{generated.client.__name__}.types")

    def _gateway(self, environ, start_response):
        segment = environ["PATH_INFO"].split("/")[1]
        name = AT_ROOT.get(segment, segment)
        if name not in self.functions:
            self.functions[name] = apps.load(name).app
        return self.functions[name](environ, start_response)

    def ask(self, operation, *path, token="ann", raw=None, **given):
        """Call an operation.

        Args:
            operation: its id.
            path: its path parameters.
            token: whose token is sent.
            raw: changes of what is sent.
            given: its other arguments.
        """
        kwargs = self.generated.module(operation)._get_kwargs(*path, **given)
        headers = {"Authorization": f"Bearer {token}'s token"} if token else {}
        kwargs |= raw or {}
        kwargs["headers"] = {**headers, **kwargs.get("headers", {})}
        with httpx.Client(transport=self.transport, base_url="http://gateway") as client:
            answer = client.request(**kwargs)
        parsed = self.generated.read(operation, answer)
        if answer.headers.get("Content-Type") == PROBLEM:
            self.problems.add(parsed.type_.removeprefix(PREFIX))
        else:
            self.answered.add((operation, answer.status_code))
        return parsed

    def problem(self, slug, operation, *path, **given):
        """Call an operation; the answer is a problem of this kind."""
        parsed = self.ask(operation, *path, **given)
        assert parsed.type_ == f"{PREFIX}{slug}", parsed
        return parsed

    def body(self, name, value):
        """A body of a generated class."""
        return getattr(self.models, name).from_dict(value)

    def deliver(self):
        """Store the published batches, as store_rows does."""
        for message in self.pull("row-batches"):
            batch = batches.unpack(message.data, message.attributes)
            store.store(wiring.engine(), wiring.publisher(), wiring.settings(), batch)


@pytest.fixture
def calls(
    generated,
    topics,
    database_url,
    new_buckets,
    warehouse,
    storage_endpoint,
    bigquery_endpoint,
    push_settings,
    configure,
):
    """Calls of every function, on the test's own database, buckets and warehouse."""
    names, buckets = warehouse.names, new_buckets()
    tokens = [apps.token(name, f"{name}'s token", *scopes) for name, scopes in TOKENS.items()]
    configure(
        {
            "DATABASE_URL": database_url,
            "WAREHOUSE_DATASET": names.warehouse,
            "REPORTING_DATASET": names.reporting,
            "TOKENS": json.dumps(tokens),
            "TOKEN_FAILURES_PER_MINUTE": "2",
            "MAX_BODY_BYTES": "100000",
            "STORAGE_EMULATOR_HOST": storage_endpoint,
            "BIGQUERY_EMULATOR_HOST": bigquery_endpoint,
            **push_settings,
            **buckets,
        }
    )
    return Calls(generated, buckets, topics)


def test_generated_clients_read_every_success_and_the_problems_of_every_cause(
    calls, sync, warehouse, configure
):
    insert_jobs(calls)
    follow_loads(calls)
    read_rows(calls)
    correct_rejects(calls)
    upload(calls)
    back_up_and_restore(calls)
    sync.run()
    configure({"GOOGLE_CLOUD_PROJECT": warehouse.names.project})
    calls.functions.clear()
    ask_the_warehouse(calls)
    read_the_document(calls)
    refuse_bodies(calls)
    refuse_callers(calls)
    miss_parts(calls, configure)

    successes, slugs = set(), set()
    for operation in calls.generated.operations():
        for status, response in operation["responses"].items():
            if PROBLEM_TYPES in response:
                slugs |= {kind.removeprefix(PREFIX) for kind in response[PROBLEM_TYPES]}
            else:
                successes.add((operation["operationId"], int(status)))
    assert successes - calls.answered == set()
    assert slugs - calls.problems == BY_FAULTS


def insert_jobs(calls):
    jobs = calls.body("JobsBatch", {"rows": [{"id": 1, "job": "Welder"}, {"id": 2, "job": ""}]})
    key = {"idempotency_key": "k1"}
    taken = calls.ask("post_insert_rows_jobs", body=jobs, **key)
    assert (taken.accepted, taken.rejected_count, taken.rejected[0].index) == (1, 1, 1)
    state = "get_insert_rows_batches_batch_id"
    assert calls.ask(state, taken.batch_id).state.value == "pending"
    calls.deliver()
    stored = calls.ask(state, taken.batch_id)
    assert (stored.state.value, stored.counts.inserted, stored.table) == ("stored", 1, "jobs")
    waited = calls.ask("post_insert_rows_jobs", body=jobs, prefer="wait=1", **key)
    assert (waited.state.value, waited.batch_id) == ("stored", taken.batch_id)
    departments = calls.body("DepartmentsBatch", {"rows": [{"id": 1, "department": "Sales"}]})
    for _ in range(2):
        calls.ask("post_insert_rows_departments", body=departments, idempotency_key="d")
        calls.deliver()
    calls.ask(
        "post_insert_rows_departments", body=departments, idempotency_key="d", prefer="wait=1"
    )
    hires = calls.body("HiredEmployeesBatch", {"rows": [HIRE]})
    assert hires.rows[0].datetime_ == datetime(2021, 2, 3, 4, 5, 6, tzinfo=UTC)
    calls.ask("post_insert_rows_hired_employees", body=hires, idempotency_key="h")
    calls.deliver()
    calls.ask("post_insert_rows_hired_employees", body=hires, idempotency_key="h", prefer="wait=1")

    other = calls.body("JobsBatch", {"rows": [{"id": 3, "job": "Tester"}]})
    calls.problem("idempotency-key-reused", "post_insert_rows_jobs", body=other, **key)
    bad = calls.body("JobsBatch", {"rows": [{"id": 4, "job": ""}]})
    none = calls.problem("no-row-accepted", "post_insert_rows_jobs", body=bad)
    assert (none.accepted, none.rejected_count) == (0, 1)
    assert "blank" in none.rejected[0].errors.additional_properties["job"][0]
    calls.deliver()
    calls.problem("unknown-batch", state, "7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10")
    calls.problem("unknown-path", state, "not-an-id")
    calls.problem("method-not-allowed", "get_dashboard_reasons", raw={"method": "put"})


def follow_loads(calls):
    page = calls.ask("get_loads", limit=2)
    assert isinstance(page.rows[0].accepted_at, datetime)
    one = calls.ask("get_loads_load_id", page.rows[0].load_id)
    assert one.to_dict() == page.rows[0].to_dict()
    calls.problem("unknown-load", "get_loads_load_id", "7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10")
    assert calls.ask("get_dashboard_loads_load_id", page.rows[0].load_id).state.value == "done"
    assert {one.reason for one in calls.ask("get_dashboard_reasons").rows} != set()
    wrong = calls.problem("unusable-parameter", "get_loads", limit=0)
    assert wrong.parameter == "limit"


def read_rows(calls):
    for table in tables.all_tables():
        page = calls.ask(f"get_read_rows_{table}", limit=1)
        assert isinstance(page.rows[0].accepted_at, datetime)
        one = calls.ask(f"get_read_rows_{table}_key", str(page.rows[0].id))
        assert one.to_dict() == page.rows[0].to_dict()
    calls.problem("unknown-row", "get_read_rows_jobs_key", "999999")


def correct_rejects(calls):
    status = calls.models.GetRejectedRowsStatus.REJECTED
    first, second = calls.ask("get_rejected_rows", status=status).rows
    assert isinstance(first.rejected_at, datetime)
    assert "_reasons" in calls.ask("get_rejected_rows_csv", table="jobs")
    rows = {str(second.reject_id): {"id": 2, "job": "Clerk"}}
    replayed = calls.ask("post_rejected_rows_replay", body=calls.body("Replay", {"rows": rows}))
    assert replayed.replayed == [second.reject_id]
    ids = calls.body("Discard", {"ids": [first.reject_id, second.reject_id]})
    discarded = calls.ask("post_rejected_rows_discard", body=ids)
    assert (discarded.discarded, discarded.not_open[0].status) == ([first.reject_id], "replayed")
    unknown = calls.problem("unknown-table", "get_rejected_rows", table="offices")
    assert unknown.tables == list(tables.all_tables())
    none = calls.body("Discard", {"ids": []})
    assert calls.problem("invalid-body", "post_rejected_rows_discard", body=none).pointer == "/ids"


def upload(calls):
    call = "post_dashboard_uploads_table_name"
    file = calls.types.File(io.BytesIO(b"5,Painter\n"))
    uploaded = calls.ask(call, "jobs", body=file, name="jobs.csv")
    assert (uploaded.table, uploaded.size_bytes) == ("jobs", 10)
    calls.problem("empty-file", call, "jobs", body=calls.types.File(io.BytesIO(b"")))


def back_up_and_restore(calls):
    made = calls.ask("post_backup_table_all", body=calls.models.NoOptions())
    assert made.backups[0].snapshot_at == made.snapshot_at
    one = calls.ask("post_backup_table_table_name", "departments", body=calls.models.NoOptions())
    assert one.rows == 1
    assert one.id in {backup.id for backup in listed(calls, "departments")}
    verify = "post_backup_table_table_name_backup_id_verify"
    assert calls.ask(verify, "departments", one.id, body=calls.models.NoOptions()).verified
    restore = "post_restore_table_table_name"
    latest = calls.body("Restore", {"backup": "latest"})
    assert calls.ask(restore, "departments", body=latest).unchanged.count == 1

    in_all = calls.body("RestoreAll", {"backup": made.id, "dry_run": True})
    previews = calls.ask("post_restore_table_all", body=in_all).tables
    assert [one.table for one in previews] == list(tables.all_tables())
    add_departments(3)
    most = calls.problem("confirmation-needed", restore, "departments", body=latest)
    assert (most.count, len(most.examples)) == (3, 3)
    confirmed = calls.body("Restore", {"backup": "latest", "confirm": 3})
    assert calls.ask(restore, "departments", body=confirmed).deleted.count == 3

    bucket = wiring.storage_client().bucket(calls.buckets["BACKUPS_BUCKET"])
    bucket.blob("x.avro").upload_from_string(b"no Avro")
    uri = f"gs://{bucket.name}/x.avro"
    calls.problem("not-avro", restore, "jobs", body=calls.body("Restore", {"uri": uri}))
    elsewhere = calls.body("Restore", {"uri": "gs://elsewhere/x.avro"})
    calls.problem("unusable-uri", restore, "jobs", body=elsewhere)
    calls.problem(
        "unknown-backup", restore, "jobs", body=calls.body("Restore", {"backup": "0" * 12})
    )
    orphaned(calls, restore)
    bucket.blob(one.uri.split("/", 3)[3]).upload_from_string(b"damaged")
    damaged = calls.problem(
        "damaged-backup", verify, "departments", one.id, body=calls.models.NoOptions()
    )
    assert damaged.backup == one.id
    delete = "delete_backup_table_table_name_backup_id"
    calls.problem("unusable-backup-id", delete, "departments", "latest")
    assert calls.ask(delete, "departments", one.id) is None


def add_departments(count):
    """Insert departments that no backup has."""
    with wiring.engine().begin() as connection:
        connection.exec_driver_sql(
            "insert into departments select 900 + n, 'x', now(), gen_random_uuid() "
            f"from generate_series(1, {count}) as n"
        )


def orphaned(calls, restore):
    """Restore jobs from before there were any, which hires refer to."""
    with wiring.engine().begin() as connection:
        connection.exec_driver_sql("create table kept as table hired_employees")
        connection.exec_driver_sql("delete from hired_employees")
        connection.exec_driver_sql("create table kept_jobs as table jobs")
        connection.exec_driver_sql("delete from jobs")
    call = "post_backup_table_table_name"
    empty = calls.ask(call, "jobs", body=calls.models.NoOptions())
    with wiring.engine().begin() as connection:
        connection.exec_driver_sql("insert into jobs table kept_jobs")
        connection.exec_driver_sql("insert into hired_employees table kept")
        connection.exec_driver_sql("drop table kept, kept_jobs")
    body = calls.body("Restore", {"backup": empty.id})
    broken = calls.problem("rows-without-parent", restore, "jobs", body=body).broken
    assert (broken[0].table, broken[0].count) == ("hired_employees", 1)


def listed(calls, table):
    return calls.ask("get_backup_table_table_name", table).backups


def ask_the_warehouse(calls):
    assert calls.ask("get_freshness").bigquery
    for name in ("hires_by_quarter", "departments_above_mean"):
        found = calls.ask(f"get_{name}", year=2021)
        assert isinstance(found.as_of, datetime), name
        etag = etag_of(calls, f"/{name}?year=2021")
        assert calls.ask(f"get_{name}", year=2021, if_none_match=etag) is None
    calls.problem("unusable-year", "get_hires_by_quarter", year=1)
    headers = {"headers": {"Accept": "image/png"}}
    calls.problem("not-acceptable", "get_hires_by_quarter", year=2021, raw=headers)
    everything = calls.body("Reconcile", {})
    found = calls.ask("post_sync_warehouse_reconcile", body=everything)
    assert found.agrees
    assert {one.table for one in found.tables} == set(tables.all_tables())


def etag_of(calls, path):
    headers = {"X-Token": "ann's token"}
    with httpx.Client(transport=calls.transport, base_url="http://gateway") as client:
        return client.get(path, headers=headers).headers["ETag"]


def read_the_document(calls):
    for name, path in (("get_openapi_json", "/openapi.json"), ("get_docs", "/docs")):
        assert calls.ask(name, token="") is not None
        raw = {"headers": {"If-None-Match": etag_of(calls, path)}}
        assert calls.ask(name, token="", raw=raw) is None


def refuse_bodies(calls):
    json_type = {"Content-Type": "application/json"}
    discard = calls.body("Discard", {"ids": [1]})
    for slug, content in (
        ("not-json", b"{"),
        ("duplicate-key", b'{"ids": [1], "ids": [2]}'),
        ("not-finite", b'{"ids": [1e400]}'),
        ("too-deep", b"[" * 10_000),
        ("body-too-large", b" " * 100_001),
    ):
        raw = {"json": None, "content": content, "headers": json_type}
        calls.problem(slug, "post_rejected_rows_discard", body=discard, raw=raw)
    for slug, headers in (
        ("unsupported-media-type", {"Content-Type": "text/plain"}),
        ("unsupported-encoding", {**json_type, "Content-Encoding": "br"}),
        ("body-cut-off", {**json_type, "Content-Encoding": "gzip"}),
    ):
        content = gzip.compress(b"{}")[:8]
        raw = {"json": None, "content": content, "headers": headers}
        calls.problem(slug, "post_rejected_rows_discard", body=discard, raw=raw)
    many = [{"id": 1, "job": "x"}] * 1001
    for slug, rows in (("empty-batch", []), ("too-many-rows", many)):
        body = calls.body("JobsBatch", {"rows": rows})
        assert calls.problem(slug, "post_insert_rows_jobs", body=body).pointer == "/rows"
    one = calls.body("JobsBatch", {"rows": [{"id": 9, "job": "x"}]})
    calls.problem("not-a-batch", "post_insert_rows_jobs", body=one, raw={"json": []})
    calls.problem("bad-idempotency-key", "post_insert_rows_jobs", body=one, idempotency_key="a b")


def refuse_callers(calls):
    call = "get_dashboard_reasons"
    calls.problem("wrong-scope", call, token="reader")
    calls.problem("token-missing", call, token="")
    for _ in range(2):
        calls.problem("token-refused", call, token="nobody")
    calls.problem("too-many-wrong-tokens", call, token="nobody")


def miss_parts(calls, configure):
    for slug, address in (
        ("try-again", "postgresql://nobody@127.0.0.1:9/none"),
        ("not-configured", ""),
    ):
        configure({"DATABASE_URL": address})
        calls.functions.clear()
        calls.problem(slug, "get_loads")
