-- Select waiting rows of the load whose parents have arrived, without their nulls.
select
    reject_id,
    position,
    cast((
        select coalesce(jsonb_object_agg(key, value), '{}')
        from jsonb_each(raw)
        where value <> 'null'
    ) as text) as raw
from rejected_rows as waiting
where status = 'waiting'
    and table_name = {table_name}
    and load_id = {load_id}
    and {waiting_has_parents}
limit {most_at_once}
for update skip locked
