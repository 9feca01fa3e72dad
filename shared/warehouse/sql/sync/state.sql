-- Record the state of tables, given as a JSON list of {table, as_of (epoch
-- microseconds), columns}.
merge into `warehouse.sync_state` as state
using (
  select
    json_value(entry, '$.table') as table_name,
    timestamp_micros(cast(json_value(entry, '$.as_of') as int64)) as as_of,
    json_value(entry, '$.columns') as columns
  from unnest(json_query_array(@entries)) as entry
) as incoming
on state.table_name = incoming.table_name
when matched then
  update set
    as_of = greatest(state.as_of, incoming.as_of),
    changed_at = current_timestamp(),
    columns = incoming.columns
when not matched then
  insert (table_name, as_of, changed_at, columns)
  values (incoming.table_name, incoming.as_of, current_timestamp(), incoming.columns)
