"""What a restore deletes is a count of its own; it was counted as superseded."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("alter table loads add column deleted bigint not null default 0")
    op.execute(
        "update loads set deleted = superseded, superseded = 0 "
        "where kind = 'restore' and superseded > 0"
    )


def downgrade() -> None:
    op.execute("update loads set superseded = deleted where kind = 'restore'")
    op.execute("alter table loads drop column deleted")
