-- Count the finished loads of each day in UTC, with a checksum of their entries: the MD5s of their texts
-- are added up in halves, as in checksums.py.
select
    day,
    count(*) as row_count,
    sum(cast(cast('x' || substr(entry_md5, 1, 8) as bit(32)) as bigint)) as first,
    sum(cast(cast('x' || substr(entry_md5, 9, 8) as bit(32)) as bigint)) as second
from (
    select
        to_char(finished_at at time zone 'UTC', 'YYYY-MM-DD') as day,
        md5(
            cast(load_id as text)
            || '|' || source
            || '|' || kind
            || '|' || coalesce(sender, 'null')
            || '|' || coalesce(table_name, 'null')
            || '|' || state
            || '|' || cast(rows_read as text)
            || '|' || cast(inserted as text)
            || '|' || cast(updated as text)
            || '|' || cast(unchanged as text)
            || '|' || cast(superseded as text)
            || '|' || cast(waiting as text)
            || '|' || cast(rejected as text)
            || '|' || cast(deleted as text)
            || '|' || coalesce(error ->> 'code', 'null')
            || '|' || cast(cast(extract(epoch from accepted_at) * 1000000 as bigint) as text)
            || '|' || cast(cast(extract(epoch from started_at) * 1000000 as bigint) as text)
            || '|' || cast(cast(extract(epoch from finished_at) * 1000000 as bigint) as text)
        ) as entry_md5
    from loads
    where state in ('done', 'failed')
) as hashed
group by day
