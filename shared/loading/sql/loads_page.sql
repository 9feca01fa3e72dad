-- Select a page of loads, newest first, older than the last one of the previous page. A filter that is
-- null matches all.
select
    load_id, source, kind, sender, table_name, state, rows_read, inserted, updated, unchanged,
    superseded, waiting, rejected, deleted, repeats, error, accepted_at, started_at, finished_at, synced_at
from loads
where (started_at, load_id) < (cast(:before as timestamptz), cast(:before_id as uuid))
    and (cast(:state as text) is null or state = cast(:state as text))
    and (cast(:table as text) is null or table_name = cast(:table as text))
    and (cast(:sender as text) is null or sender = cast(:sender as text))
    and (cast(:kind as text) is null or kind = cast(:kind as text))
    and (cast(:since as timestamptz) is null or accepted_at >= cast(:since as timestamptz))
order by started_at desc, load_id desc
limit :rows
