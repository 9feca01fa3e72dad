-- Select a load's whole entry in the ledger.
select
    load_id, source, kind, sender, table_name, state, rows_read, inserted, updated, unchanged,
    superseded, waiting, rejected, deleted, repeats, error, accepted_at, started_at, finished_at, synced_at
from loads
where load_id = cast(:load_id as uuid)
