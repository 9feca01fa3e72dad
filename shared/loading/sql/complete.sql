-- Mark a load as done, with its counts.
update loads
set
    state = 'done', rows_read = :rows_read, inserted = :inserted, updated = :updated,
    unchanged = :unchanged, superseded = :superseded, waiting = :waiting, rejected = :rejected,
    finished_at = clock_timestamp()
where load_id = cast(:load_id as uuid)
