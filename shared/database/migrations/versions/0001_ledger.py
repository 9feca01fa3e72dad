"""The platform's own tables: loads, rejected_rows, replaced_rows, batch_keys."""

from alembic import op

revision = "0001"
down_revision = None

UP = """
create table loads (
    load_id      uuid primary key,
    source       text not null unique,
    kind         text not null check (kind in ('file', 'batch', 'replay', 'restore')),
    sender       text,
    content      text,
    repeats      uuid references loads (load_id),
    table_name   text,
    state        text not null check (state in ('loading', 'done', 'failed')),
    rows_read    bigint not null default 0,
    inserted     bigint not null default 0,
    updated      bigint not null default 0,
    unchanged    bigint not null default 0,
    superseded   bigint not null default 0,
    waiting      bigint not null default 0,
    rejected     bigint not null default 0,
    error        jsonb,
    accepted_at  timestamptz not null,
    started_at   timestamptz not null default clock_timestamp(),
    finished_at  timestamptz,
    synced_at    timestamptz,
    check (
        state <> 'done' or kind = 'restore'
        or rows_read = inserted + updated + unchanged + superseded + waiting + rejected
    )
);
create index loads_content_idx on loads (content, table_name) where content is not null;
create index loads_not_synced_idx on loads (finished_at) where synced_at is null;
create index loads_started_at_idx on loads (started_at);

-- No foreign key to loads: it would be checked for each of a million rejects, one by one, and they
-- are only ever written in the transaction that writes their load.
create table rejected_rows (
    reject_id    bigint generated always as identity primary key,
    load_id      uuid not null,
    sender       text,
    table_name   text not null,
    position     bigint not null,
    raw          jsonb not null,
    errors       jsonb not null,
    reason       text not null,
    status       text not null default 'rejected'
                 check (status in ('rejected', 'waiting', 'replayed', 'loaded', 'discarded')),
    rejected_at  timestamptz not null default clock_timestamp()
);
create index rejected_rows_load_id_idx on rejected_rows (load_id);
create index rejected_rows_waiting_idx on rejected_rows (table_name) where status = 'waiting';
create index rejected_rows_open_idx on rejected_rows (table_name, reject_id)
    where status = 'rejected';

create table replaced_rows (
    table_name   text not null,
    key          jsonb not null,
    row          jsonb not null,
    accepted_at  timestamptz not null,
    load_id      uuid not null,
    replaced_by  uuid not null,
    replaced_at  timestamptz not null default clock_timestamp()
);
create index replaced_rows_key_idx on replaced_rows (table_name, key);
create index replaced_rows_replaced_by_idx on replaced_rows (replaced_by);

create table batch_keys (
    batch_id     uuid primary key,
    body_sha256  bytea not null,
    created_at   timestamptz not null default clock_timestamp()
);
create index batch_keys_created_at_idx on batch_keys (created_at);
"""

DOWN = """
drop table batch_keys;
drop table replaced_rows;
drop table rejected_rows;
drop table loads;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
