-- Replace the rejects of loads, given as the loads' ids and a JSON list of counts.
merge into `warehouse.load_rejects` as rejects
using (
  select
    json_value(entry, '$.load_id') as load_id,
    json_value(entry, '$.reason') as reason,
    json_value(entry, '$.status') as status,
    cast(json_value(entry, '$.row_count') as int64) as row_count
  from unnest(json_query_array(@entries)) as entry
) as incoming
on rejects.load_id = incoming.load_id
  and rejects.reason = incoming.reason
  and rejects.status = incoming.status
when matched then
  update set row_count = incoming.row_count
when not matched by source and rejects.load_id in unnest(@load_ids) then
  delete
when not matched then
  insert (load_id, reason, status, row_count)
  values (incoming.load_id, incoming.reason, incoming.status, incoming.row_count)
