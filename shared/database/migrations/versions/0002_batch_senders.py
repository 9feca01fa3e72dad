"""The sender of each idempotency key, who alone may see its batch."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("alter table batch_keys add column sender text")


def downgrade() -> None:
    op.execute("alter table batch_keys drop column sender")
