-- Count the rejects of these loads by reason and status.
select cast(load_id as text) as load_id, reason, status, count(*) as row_count
from rejected_rows
where load_id = any(cast(:load_ids as uuid[]))
group by load_id, reason, status
