-- Select the tables and statuses of rejects, by their ids.
select reject_id, table_name, status
from rejected_rows
where reject_id = any(cast(:ids as bigint[]))
