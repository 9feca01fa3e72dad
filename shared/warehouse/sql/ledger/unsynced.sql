-- Count the pending loads by table, and select how long ago the oldest was finished.
select
    table_name, count(*) as loads, min(finished_at) as oldest,
    greatest(extract(epoch from clock_timestamp() - min(finished_at)), 0) as lag_seconds
from loads
where synced_at is null and state in ('done', 'failed')
group by table_name
