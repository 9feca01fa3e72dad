-- The jobs that people are hired for, one row each.
create table if not exists `warehouse.dim_jobs` (
  id int64 not null options (description = 'Id of the job'),
  job string not null options (description = 'Name of the job'),
  accepted_at timestamp not null options (description = 'When this version of the row was accepted'),
  load_id string not null options (description = 'The load that wrote this version')
)
cluster by id
options (description = 'What people are hired for: one row a job')
