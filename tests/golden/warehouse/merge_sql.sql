-- staged_counts
-- Count the staged rows and their keys: a repeated key would make a MERGE fail.
select
  count(*) as row_count,
  (select count(*) from (select distinct `id` from `project.warehouse.staging_fact_hires_1`)) as key_count
from `project.warehouse.staging_fact_hires_1`;

-- merge, whole=False
-- Merge the staged rows into the target by key, in one atomic statement.
merge into `project.warehouse.fact_hires` as target
using (
  select
    `id` as `id`,
    `name` as `name`,
    `datetime` as `hired_at`,
    `department_id` as `department_id`,
    `job_id` as `job_id`,
    `accepted_at` as `accepted_at`,
    `load_id` as `load_id`,
    date(`datetime`) as `hired_on`
  from `project.warehouse.staging_fact_hires_1`
) as source
on target.`id` = source.`id`
when matched and source.`accepted_at` >= target.`accepted_at` then
  update set
    `name` = source.`name`,
    `hired_at` = source.`hired_at`,
    `department_id` = source.`department_id`,
    `job_id` = source.`job_id`,
    `accepted_at` = source.`accepted_at`,
    `load_id` = source.`load_id`,
    `hired_on` = source.`hired_on`
when not matched then
  insert (`id`, `name`, `hired_at`, `department_id`, `job_id`, `accepted_at`, `load_id`, `hired_on`)
  values (
    source.`id`,
    source.`name`,
    source.`hired_at`,
    source.`department_id`,
    source.`job_id`,
    source.`accepted_at`,
    source.`load_id`,
    source.`hired_on`
  );

-- merge, whole=True
-- Merge the staged rows into the target by key, in one atomic statement.
merge into `project.warehouse.fact_hires` as target
using (
  select
    `id` as `id`,
    `name` as `name`,
    `datetime` as `hired_at`,
    `department_id` as `department_id`,
    `job_id` as `job_id`,
    `accepted_at` as `accepted_at`,
    `load_id` as `load_id`,
    date(`datetime`) as `hired_on`
  from `project.warehouse.staging_fact_hires_1`
) as source
on target.`id` = source.`id`
when matched then
  update set
    `name` = source.`name`,
    `hired_at` = source.`hired_at`,
    `department_id` = source.`department_id`,
    `job_id` = source.`job_id`,
    `accepted_at` = source.`accepted_at`,
    `load_id` = source.`load_id`,
    `hired_on` = source.`hired_on`
when not matched then
  insert (`id`, `name`, `hired_at`, `department_id`, `job_id`, `accepted_at`, `load_id`, `hired_on`)
  values (
    source.`id`,
    source.`name`,
    source.`hired_at`,
    source.`department_id`,
    source.`job_id`,
    source.`accepted_at`,
    source.`load_id`,
    source.`hired_on`
  )
when not matched by source then
  delete;

-- replacement
-- Replace some or all of the target's rows by the staged rows, in one transaction.
begin transaction;
delete from `project.warehouse.fact_hires`
where substr(to_hex(md5(ifnull(cast(`id` as string), 'null'))), 1, 2) in ('0a', 'ff');
insert into `project.warehouse.fact_hires` (`id`, `name`, `hired_at`, `department_id`, `job_id`, `accepted_at`, `load_id`, `hired_on`)
select
  `id` as `id`,
  `name` as `name`,
  `datetime` as `hired_at`,
  `department_id` as `department_id`,
  `job_id` as `job_id`,
  `accepted_at` as `accepted_at`,
  `load_id` as `load_id`,
  date(`datetime`) as `hired_on`
from `project.warehouse.staging_fact_hires_1`;
commit transaction;
