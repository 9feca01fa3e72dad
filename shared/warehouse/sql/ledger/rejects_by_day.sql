-- Count the rejects of the loads of each day in UTC by reason. Their status changes later, so it is left out.
select
    to_char(loads.finished_at at time zone 'UTC', 'YYYY-MM-DD') as day,
    rejected_rows.reason,
    count(*) as row_count
from rejected_rows
join loads on loads.load_id = rejected_rows.load_id
where loads.state in ('done', 'failed')
group by day, rejected_rows.reason
