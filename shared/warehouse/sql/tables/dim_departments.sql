-- The departments that hire, one row each.
create table if not exists `warehouse.dim_departments` (
  id int64 not null options (description = 'Id of the department'),
  department string not null options (description = 'Name of the department'),
  accepted_at timestamp not null options (description = 'When this version of the row was accepted'),
  load_id string not null options (description = 'The load that wrote this version')
)
cluster by id
options (description = 'Who hires: one row a department')
