-- Add the columns that the last sync knew to a table of before.
alter table `warehouse.sync_state`
add column if not exists columns string
options (description = 'Its columns, as the sync that last changed it knew them')
