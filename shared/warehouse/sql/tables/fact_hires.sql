-- One row for each hire. A month is a partition; hires before 1960 or after 2159 share one.
create table if not exists `warehouse.fact_hires` (
  id int64 not null options (description = 'Id of the employee'),
  name string not null options (description = 'Name and surname of the employee'),
  hired_at timestamp not null options (description = 'When the employee was hired'),
  hired_on date not null options (description = 'The day of it in UTC, as in dim_dates'),
  department_id int64 not null options (description = 'As in dim_departments'),
  job_id int64 not null options (description = 'As in dim_jobs'),
  accepted_at timestamp not null options (description = 'When this version of the row was accepted'),
  load_id string not null options (description = 'The load that wrote this version')
)
partition by date_trunc(hired_on, month)
cluster by department_id, job_id
options (description = 'One row a hire')
