-- Select the loads that have waiting rows whose parents have arrived, oldest accepted first.
select load_id, accepted_at, sender
from loads
where load_id in (
    select load_id
    from rejected_rows as waiting
    where status = 'waiting'
        and table_name = {table_name}
        and {waiting_has_parents}
)
order by accepted_at, load_id
