-- The synced ledger: one row for each finished load.
create table if not exists `warehouse.loads` (
  load_id string not null options (description = 'Id of the load'),
  source string not null options (description = 'Object and generation of a file, or id of a batch'),
  kind string not null options (description = 'file, batch, replay or restore'),
  sender string options (description = 'Who sent it, if that is known'),
  table_name string options (description = 'Its table; null if a file name matches no table'),
  state string not null options (description = 'done or failed'),
  rows_read int64 not null options (description = 'All its rows: the sum of the six that follow'),
  inserted int64 not null options (description = 'Rows that were new'),
  updated int64 not null options (description = 'Rows that replaced an older version'),
  unchanged int64 not null options (description = 'Rows that were there already'),
  superseded int64 not null options (description = 'Rows that came after a newer version'),
  waiting int64 not null options (description = 'Rows whose parent is not there yet'),
  rejected int64 not null options (description = 'Rows that were rejected'),
  deleted int64 not null options (description = 'Rows that a restore deleted'),
  error_code string options (description = 'Why it failed'),
  accepted_at timestamp not null options (description = 'The moment its rows count from'),
  started_at timestamp not null options (description = 'When the load began'),
  finished_at timestamp not null options (description = 'When it was committed'),
  synced_at timestamp not null options (description = 'When its rows were in the warehouse')
)
partition by timestamp_trunc(finished_at, month)
cluster by load_id
options (description = 'The ledger as it was synced: one row for each finished load')
