-- Record loads, given as a JSON list of entries of the ledger with times in epoch microseconds.
merge into `warehouse.loads` as loads
using (
  select
    json_value(entry, '$.load_id') as load_id,
    json_value(entry, '$.source') as source,
    json_value(entry, '$.kind') as kind,
    json_value(entry, '$.sender') as sender,
    json_value(entry, '$.table_name') as table_name,
    json_value(entry, '$.state') as state,
    cast(json_value(entry, '$.rows_read') as int64) as rows_read,
    cast(json_value(entry, '$.inserted') as int64) as inserted,
    cast(json_value(entry, '$.updated') as int64) as updated,
    cast(json_value(entry, '$.unchanged') as int64) as unchanged,
    cast(json_value(entry, '$.superseded') as int64) as superseded,
    cast(json_value(entry, '$.waiting') as int64) as waiting,
    cast(json_value(entry, '$.rejected') as int64) as rejected,
    cast(json_value(entry, '$.deleted') as int64) as deleted,
    json_value(entry, '$.error_code') as error_code,
    timestamp_micros(cast(json_value(entry, '$.accepted_at') as int64)) as accepted_at,
    timestamp_micros(cast(json_value(entry, '$.started_at') as int64)) as started_at,
    timestamp_micros(cast(json_value(entry, '$.finished_at') as int64)) as finished_at
  from unnest(json_query_array(@entries)) as entry
) as incoming
on loads.load_id = incoming.load_id
when matched then
  update set
    state = incoming.state,
    rows_read = incoming.rows_read,
    inserted = incoming.inserted,
    updated = incoming.updated,
    unchanged = incoming.unchanged,
    superseded = incoming.superseded,
    waiting = incoming.waiting,
    rejected = incoming.rejected,
    deleted = incoming.deleted,
    error_code = incoming.error_code,
    finished_at = incoming.finished_at
when not matched then
  insert (
    load_id, source, kind, sender, table_name, state, rows_read, inserted, updated, unchanged,
    superseded, waiting, rejected, deleted, error_code, accepted_at, started_at, finished_at,
    synced_at
  )
  values (
    incoming.load_id, incoming.source, incoming.kind, incoming.sender, incoming.table_name,
    incoming.state, incoming.rows_read, incoming.inserted, incoming.updated, incoming.unchanged,
    incoming.superseded, incoming.waiting, incoming.rejected, incoming.deleted,
    incoming.error_code, incoming.accepted_at, incoming.started_at, incoming.finished_at,
    current_timestamp()
  )
