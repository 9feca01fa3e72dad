-- The number of rejects of each load, by reason and status.
create table if not exists `warehouse.load_rejects` (
  load_id string not null options (description = 'As in loads'),
  reason string not null options (description = 'Code of the first error'),
  status string not null options (description = 'rejected, waiting, replayed, loaded or discarded'),
  row_count int64 not null options (description = 'How many rows')
)
cluster by load_id
options (description = 'How many rejects each load has, by reason and status')
