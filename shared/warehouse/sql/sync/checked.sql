-- Record that nothing is pending for any table.
update `warehouse.sync_state`
set checked_at = current_timestamp()
where true
