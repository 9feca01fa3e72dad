-- Count the pending loads by table, and select how long ago the oldest was finished. Of a table
-- whose rows the warehouse has lost, all that changed it are pending.
select
    table_name, count(*) as loads, min(finished_at) as oldest,
    greatest(extract(epoch from clock_timestamp() - min(finished_at)), 0) as lag_seconds
from loads
where
    state in ('done', 'failed')
    and (
        synced_at is null
        or table_name = any(cast(:unfilled as text[]))
        and (inserted + updated > 0 or kind = 'restore')
    )
group by table_name
