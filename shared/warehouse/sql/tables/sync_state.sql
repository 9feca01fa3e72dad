-- The state of each table of the warehouse: up to which load it is complete.
create table if not exists `warehouse.sync_state` (
  table_name string not null options (description = 'Table of the data dictionary'),
  as_of timestamp not null options (description = 'When the newest load it includes was finished'),
  changed_at timestamp not null options (description = 'When its rows in the warehouse last changed'),
  checked_at timestamp options (description = 'When a sync last found nothing pending for it'),
  columns string options (description = 'Its columns, as the sync that last changed it knew them')
)
options (description = 'The state of each table of the warehouse')
