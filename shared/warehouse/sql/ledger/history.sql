-- Select entries of the ledger as the warehouse records them, with times in epoch microseconds.
select
    cast(load_id as text) as load_id, source, kind, sender, table_name, state, rows_read,
    inserted, updated, unchanged, superseded, waiting, rejected, deleted,
    error ->> 'code' as error_code,
    cast(extract(epoch from accepted_at) * 1000000 as bigint) as accepted_at,
    cast(extract(epoch from started_at) * 1000000 as bigint) as started_at,
    cast(extract(epoch from finished_at) * 1000000 as bigint) as finished_at
from loads
where load_id = any(cast(:load_ids as uuid[]))
