-- create_table
-- Create the target of a table that has no SQL file.
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

-- relax_column
-- Let a column hold NULL that the dictionary has made optional.
alter table `project.warehouse.fact_hires`
alter column `id` drop not null;

-- fill_column
-- Set a column to @value in the rows in which it is null.
update `project.warehouse.fact_hires`
set `id` = @value
where `id` is null;
