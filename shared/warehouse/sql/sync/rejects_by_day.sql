-- Count the rejects of the loads of each day in UTC by reason.
select
  format_date('%Y-%m-%d', date(loads.finished_at)) as day,
  rejects.reason,
  sum(rejects.row_count) as row_count
from `warehouse.load_rejects` as rejects
inner join `warehouse.loads` as loads on loads.load_id = rejects.load_id
group by day, rejects.reason
