-- Select a page of loads, newest first, older than the last one of the previous page.
select
    load_id, source, kind, sender, table_name, state, rows_read, inserted, updated, unchanged,
    superseded, waiting, rejected, deleted, repeats, error, accepted_at, started_at, finished_at, synced_at
from loads
where (started_at, load_id) < (cast(:before as timestamptz), cast(:before_id as uuid))
order by started_at desc, load_id desc
limit :rows
