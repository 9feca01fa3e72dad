-- The number of rejects by table, reason, status and the day (UTC) of their load.
create or replace view `reporting.rejects_by_reason`
options (description = 'How many rejects there are, by table, reason, status and day (UTC)')
as
select
  loads.table_name,
  rejects.reason,
  rejects.status,
  date(loads.finished_at) as loaded_on,
  sum(rejects.row_count) as row_count,
  count(*) as load_count
from `warehouse.load_rejects` as rejects
inner join `warehouse.loads` as loads on loads.load_id = rejects.load_id
group by loads.table_name, rejects.reason, rejects.status, loaded_on
