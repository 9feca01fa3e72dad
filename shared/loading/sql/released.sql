-- Count rows of a load that are no longer waiting as what became of them; makes the load pending again.
update loads
set
    waiting = waiting - :freed, inserted = inserted + :inserted, updated = updated + :updated,
    unchanged = unchanged + :unchanged, superseded = superseded + :superseded,
    rejected = rejected + :rejected, finished_at = clock_timestamp(), synced_at = null
where load_id = cast(:load_id as uuid)
