"""How far the loads of large files have come, while they run."""

from alembic import op

revision = "0005"
down_revision = "0004"

# Unlogged: after a crash nobody needs it, and the load begins anew.
UP = """
create unlogged table load_progress (
    load_id     uuid primary key,
    rows_read   bigint not null,
    bytes_read  bigint not null,
    size_bytes  bigint not null,
    updated_at  timestamptz not null default clock_timestamp()
);
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("drop table load_progress")
