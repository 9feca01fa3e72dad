-- create_table
-- Create the target of a table that has no file of its own.
create table if not exists `project.warehouse.fact_hires` (
  `id` INT64 not null,
  `name` STRING not null,
  `hired_at` TIMESTAMP not null,
  `department_id` INT64 not null,
  `job_id` INT64 not null,
  `accepted_at` TIMESTAMP not null,
  `load_id` STRING not null
)
cluster by `id`;

-- add_column
-- Add a column that the dictionary has gained.
alter table `project.warehouse.fact_hires`
add column if not exists `id` INT64;

-- fill_column
-- Give the rows that have no value in a column the one that is passed as @value.
update `project.warehouse.fact_hires`
set `id` = @value
where `id` is null;
