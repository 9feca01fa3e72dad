-- Put on record that PostgreSQL has nothing more for any table.
update `warehouse.sync_state`
set checked_at = current_timestamp()
where true
