-- What the ledger says of a source.
select
    load_id, kind, sender, table_name, state, rows_read, inserted, updated, unchanged, superseded,
    waiting, rejected, error, repeats, accepted_at
from loads
where source = :source
