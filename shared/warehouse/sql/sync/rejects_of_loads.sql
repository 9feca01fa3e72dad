-- Count the rejects of each load by status, in alphabetical order.
select
  load_id,
  sum(if(status = 'discarded', row_count, 0)) as discarded,
  sum(if(status = 'loaded', row_count, 0)) as loaded,
  sum(if(status = 'rejected', row_count, 0)) as rejected,
  sum(if(status = 'replayed', row_count, 0)) as replayed,
  sum(if(status = 'waiting', row_count, 0)) as waiting
from `warehouse.load_rejects`
group by load_id
