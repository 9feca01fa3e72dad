-- Select the finished loads of some days in UTC.
select cast(load_id as text) as load_id
from loads
where state in ('done', 'failed')
    and to_char(finished_at at time zone 'UTC', 'YYYY-MM-DD') = any(cast(:days as text[]))
