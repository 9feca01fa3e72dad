"""Every version of a row is kept, not only what an update replaced: replaced_rows is row_versions."""

from alembic import op

revision = "0004"
down_revision = "0003"

# `reason` says why a version is not, or no longer, the stored one:
#   replaced   by a newer version
#   late       it came after a newer version was stored
#   repeated   its load has a later row with the same key
#   confirmed  `replaced_by` gave it another accepted_at or load, and changed no value; `row` is null
#   deleted    by a restore
# `accepted_at` and `load_id` are those of the version, `replaced_by` is the load whose version stands
# instead.
UP = """
alter table replaced_rows rename to row_versions;
alter index replaced_rows_key_idx rename to row_versions_key_idx;
alter index replaced_rows_replaced_by_idx rename to row_versions_replaced_by_idx;
alter table row_versions
    alter row drop not null,
    add column reason text not null default 'replaced';
alter table row_versions
    alter reason drop default,
    add constraint row_versions_reason_check
        check (reason in ('replaced', 'late', 'repeated', 'confirmed', 'deleted')),
    add constraint row_versions_row_check check ((row is null) = (reason = 'confirmed'));
"""

DOWN = """
delete from row_versions where reason not in ('replaced', 'deleted');
alter table row_versions drop column reason, alter row set not null;
alter index row_versions_key_idx rename to replaced_rows_key_idx;
alter index row_versions_replaced_by_idx rename to replaced_rows_replaced_by_idx;
alter table row_versions rename to replaced_rows;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
