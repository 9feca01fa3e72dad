-- Forget the state of tables.
delete from `warehouse.sync_state`
where table_name in unnest(@names)
