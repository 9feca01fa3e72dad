-- create_table
-- Create the target of a table, as its place in the warehouse says.
create table if not exists `project.warehouse.fact_hires` (
  `id` INT64 not null options (description = 'Id of the employee'),
  `name` STRING not null options (description = 'Name and surname of the employee'),
  `hired_at` TIMESTAMP not null options (description = 'When the employee was hired, ISO 8601 with offset'),
  `hired_on` DATE not null options (description = 'The day of it in UTC, as in dim_dates'),
  `department_id` INT64 not null options (description = 'Id of the department the employee was hired by'),
  `job_id` INT64 not null options (description = 'Id of the job the employee was hired for'),
  `accepted_at` TIMESTAMP not null options (description = 'When this version of the row was accepted'),
  `load_id` STRING not null options (description = 'The load that wrote this version')
)
partition by date_trunc(`hired_on`, month)
cluster by `department_id`, `job_id`
options (description = 'An employee who was hired.');

-- add_column
-- Add a column that the dictionary has gained.
alter table `project.warehouse.fact_hires`
add column if not exists `id` INT64;

-- relax_column
-- Let a column hold NULL that the dictionary has made optional, or no longer has.
alter table `project.warehouse.fact_hires`
alter column `id` drop not null;

-- widen_column
-- Let a column hold larger numbers.
alter table `project.warehouse.fact_hires`
alter column `id` set data type INT64;

-- remake_column
-- Make a table anew with another type of a column, as an operator may do.
create or replace table `project.warehouse.fact_hires` as
select * replace (cast(`id` as INT64) as `id`)
from `project.warehouse.fact_hires`;

-- fill_column
-- Set a column to a value in the rows in which it is null.
update `project.warehouse.fact_hires`
set `id` = @value
where `id` is null;
