-- Move rows of a load from waiting to their new counts, and make the load pending for the sync again.
update loads
set
    waiting = waiting - :freed, inserted = inserted + :inserted, updated = updated + :updated,
    unchanged = unchanged + :unchanged, superseded = superseded + :superseded,
    rejected = rejected + :rejected, finished_at = clock_timestamp(), synced_at = null
where load_id = cast(:load_id as uuid)
