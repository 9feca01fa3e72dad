-- Stage the waiting rows of the load whose parents have arrived, and mark them as loaded.
with free as (
    select reject_id, raw
    from rejected_rows as waiting
    where status = 'waiting'
        and table_name = {table_name}
        and load_id = {load_id}
        and {waiting_has_parents}
    for update skip locked
),
marked as (
    update rejected_rows as waiting
    set status = 'loaded'
    from free
    where waiting.reject_id = free.reject_id
)
insert into {staging}
    (position, {fields})
select
    reject_id,
    {free_values}
from free
