"""Each function's account can do its work in the database, and no more."""

import io
import itertools
import uuid
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from infra import functions, rights
from infra.functions import ROOT
from shared import stored_rows, tables
from shared.backups import foreign_keys, snapshot
from shared.dashboard import loads as dashboard_loads
from shared.database.engine import create, transaction
from shared.database.migrate import migrate
from shared.database.sql import statement
from shared.errors import TablegateError
from shared.loading import entries, idempotency, reject_queue, waiting
from shared.loading.ledger import Source
from shared.loading.load import load
from shared.settings import read
from shared.validation.csv_rows import blocks
from shared.warehouse import lock, pending
from shared.warehouse.names import SQL

ROLES = ("owner", "writer", "reader")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LARGE = 1 << 30
ROLE_OF = {one.name: one.permissions.database for one in functions.read()}
NUMBERS = itertools.count(10)


def sql(users):
    """roles.sql as terraform renders it, for these users and roles."""
    text = (ROOT / "infra" / "gcp" / "roles.sql").read_text("utf-8")
    head, _, rest = text.partition("%{ for user, role in users ~}\n")
    line, _, tail = rest.partition("%{ endfor ~}\n")
    lines = [line.replace("${role}", role).replace("${user}", user) for user, role in users.items()]
    assert tail == ""
    return head + "".join(lines)


@pytest.fixture(scope="module")
def accounts(postgres_url, superuser):
    """Engines for an account of each role and for the one that migrates, on their own database."""
    mark, password = uuid.uuid4().hex[:8], uuid.uuid4().hex
    database, operator = f"rights_{mark}", f"operator_{mark}"
    users = {f"{role}-{mark}@example.iam": role for role in ROLES}
    users[f"deployer-{mark}@example.iam"] = "owner"
    as_superuser(
        superuser,
        *(f"create role \"{user}\" login password '{password}'" for user in (*users, operator)),
        # The same rights as Cloud SQL's `postgres`, which is not a superuser.
        f'alter role "{operator}" createrole',
        f'create database {database} owner "{operator}"',
    )
    where = postgres_url.rsplit("@", 1)[1].rsplit("/", 1)[0]

    def engine_of(user):
        return made(f"postgresql://{user.replace('@', '%40')}:{password}@{where}/{database}")

    engines_of = {role: engine_of(f"{role}-{mark}@example.iam") for role in (*ROLES, "deployer")}
    engines_of["operator"] = engine_of(operator)
    with transaction(engines_of["operator"]) as connection:
        connection.exec_driver_sql(sql(users))
    migrate(engines_of["deployer"])
    rights.grant(engines_of["deployer"])
    yield engines_of
    for one in engines_of.values():
        one.dispose()
    as_superuser(
        superuser,
        f"drop database {database} with (force)",
        *(f'drop owned by "{user}"' for user in (*users, operator)),
        *(f'drop role "{user}"' for user in (*users, operator)),
    )


def as_superuser(superuser, *statements):
    for one in statements:
        superuser.run(one)


def made(url):
    return create(read({"DATABASE_URL": url, "DATABASE_POOL_SIZE": "2"}))


def drop(engine, table, text, size_bytes=0):
    source = Source(
        identity=f"gs://uploads/{table}.csv#{uuid.uuid4()}",
        kind="file",
        table_name=table,
        accepted_at=NOON,
        size_bytes=size_bytes,
    )
    entry = load(
        engine,
        source,
        lambda **how: blocks(tables.find(table), io.BytesIO(text.encode()), 1 << 20, **how),
    )
    list(waiting.release_after(engine, entry))
    return entry.counts


def test_functions_use_every_role_and_no_other():
    assert set(ROLE_OF.values()) == {*ROLES, "none"}


def insert_rows(engine):
    """Claim an idempotency key, and look up the batch."""
    claim = idempotency.claim_key(engine, "ann", uuid.uuid4().hex, tables.find("jobs"), b"{}")
    assert idempotency.wait_for_entry(engine, claim.batch_id, 0) is None


def store_rows(engine):
    """Store valid rows and rejected rows."""
    counts = drop(engine, "jobs", f"{next(NUMBERS)},Welder\n2,\n")
    assert (counts.inserted, counts.rejected) == (1, 1)


def ingest_csv(engine):
    """Load in bulk, which drops foreign keys and creates them again."""
    drop(engine, "departments", "1,Sales\n")
    drop(engine, "jobs", "1,Welder\n")
    first = 1000 * next(NUMBERS)
    rows = "".join(f"{first + n},Ada,2021-01-01T00:00:00Z,1,1\n" for n in range(499))
    assert drop(engine, "hired_employees", rows, LARGE).inserted == 499


def sync_warehouse(engine):
    """Hold the lock, and mark the synced loads."""
    with lock.hold(engine, 1), transaction(engine) as connection:
        entries = pending.read(connection)
    pending.mark(engine, entries)


def backup_table(engine):
    """Read all tables in one snapshot."""
    with snapshot.snapshot(engine, list(tables.all_tables().values()), 5) as moment:
        for table in tables.all_tables().values():
            moment.send(table, lambda _: None)


def restore_table(engine):
    """Drop foreign keys, analyse the staging table, and create the keys again."""
    table = tables.find("hired_employees")
    with transaction(engine) as connection:
        connection.exec_driver_sql("create temporary table staged (id bigint) on commit drop")
        connection.exec_driver_sql("analyze staged")
        connection.exec_driver_sql("lock table hired_employees in share row exclusive mode")
        many = dict.fromkeys(("inserted", "updated", "deleted"), 10**9)
        with foreign_keys.without_foreign_keys(connection, table, many):
            connection.exec_driver_sql("delete from hired_employees")


def freshness(engine):
    """Read from the ledger which loads are not synced."""
    with transaction(engine) as connection:
        text = sa.text(statement(SQL / "ledger", "unsynced"))
        connection.execute(text, {"unfilled": ["jobs"]}).all()


def rejected_rows(engine):
    """List rejected rows, and discard one."""
    drop(engine, "jobs", "2,\n")
    found = reject_queue.page(engine, reject_queue.Filters(), 10, None).rejects
    assert reject_queue.discard(engine, [found[0].reject_id]).closed


def dashboard(engine):
    """Find a load's state, and count reasons."""
    dashboard_loads.state(engine, uuid.uuid4())
    dashboard_loads.reasons(engine)


def loads(engine):
    """List loads, and find one."""
    entries.page(engine, 10, None)
    entries.find(engine, uuid.uuid4())


def read_rows(engine):
    """Read a page of rows of each table."""
    for table in tables.all_tables().values():
        stored_rows.page(engine, table, stored_rows.Range(), None, 10)


WORK = {
    one.__name__: one
    for one in (
        *(insert_rows, store_rows, ingest_csv, sync_warehouse, backup_table),
        *(restore_table, freshness, rejected_rows, dashboard, loads, read_rows),
    )
}


def test_the_work_of_every_function_with_a_database_is_tested():
    assert set(WORK) == {name for name, role in ROLE_OF.items() if role != "none"}


@pytest.mark.parametrize("name", WORK)
def test_a_functions_account_can_do_its_work(accounts, name):
    WORK[name](accounts[ROLE_OF[name]])


def test_a_migration_can_be_repeated_by_an_account_that_no_longer_owns_the_tables(accounts):
    migrate(accounts["deployer"])
    rights.grant(accounts["deployer"])

    with accounts["reader"].connect() as connection:
        owners = connection.exec_driver_sql(
            "select distinct tableowner from pg_tables where schemaname = 'public'"
        ).scalars()
        assert list(owners) == ["tablegate_owner"]


def test_a_reader_can_only_read(accounts):
    with accounts["reader"].connect() as connection:
        connection.exec_driver_sql("lock table jobs in access share mode")
        connection.exec_driver_sql("select count(*) from jobs, loads, rejected_rows").scalar()
    with pytest.raises(TablegateError):
        drop(accounts["reader"], "jobs", "5,Nurse\n")


@pytest.mark.parametrize("role", ["writer", "reader"])
def test_only_an_owner_can_alter_tables(accounts, role):
    refused = pytest.raises(sa.exc.DatabaseError, match="must be owner")
    with refused, accounts[role].begin() as connection:
        connection.exec_driver_sql("alter table jobs add column secret text")
