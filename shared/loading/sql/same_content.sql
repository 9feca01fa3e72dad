-- Find the first load of the same bytes into the same table, which this one repeats.
select load_id, accepted_at
from loads
where content = :content and table_name = :table_name and kind = 'file' and state = 'done'
order by accepted_at, started_at
limit 1
