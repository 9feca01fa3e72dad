-- Select the open rejects of a load, in the order of its rows.
select position, raw, errors
from rejected_rows
where load_id = cast(:load_id as uuid) and status = 'rejected'
order by position, reject_id
