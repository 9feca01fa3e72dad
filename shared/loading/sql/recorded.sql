-- Select the entry of a source in the ledger.
select
    load_id, kind, sender, table_name, state, rows_read, inserted, updated, unchanged, superseded,
    waiting, rejected, deleted, error, repeats, accepted_at
from loads
where source = :source
