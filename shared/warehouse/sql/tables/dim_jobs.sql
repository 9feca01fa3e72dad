-- What people are hired for: one row for each job.
create table if not exists `warehouse.dim_jobs` (
  id int64 not null options (description = 'Id of the job'),
  job string not null options (description = 'Name of the job'),
  accepted_at timestamp not null options (description = 'When this version of the row was accepted'),
  load_id string not null options (description = 'The load that brought this version')
)
cluster by id
options (description = 'What people are hired for: one row a job')
