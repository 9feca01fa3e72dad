-- Select how far a load has come that is running now.
select rows_read, bytes_read, size_bytes
from load_progress
where load_id = cast(:load_id as uuid) and updated_at > now() - interval '30 seconds'
