-- Count waiting rows of a load as what became of them; the warehouse has to look at the load again.
update loads
set
    waiting = waiting - :freed, inserted = inserted + :inserted, updated = updated + :updated,
    unchanged = unchanged + :unchanged, superseded = superseded + :superseded,
    rejected = rejected + :rejected, finished_at = clock_timestamp(), synced_at = null
where load_id = cast(:load_id as uuid)
