-- Tables and statuses of rejects by id.
select reject_id, table_name, status
from rejected_rows
where reject_id = any(cast(:ids as bigint[]))
