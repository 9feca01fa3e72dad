-- Count the hires of a year by department and job, with a column for each quarter.
with state as (
  select
    1 as answer,
    max(as_of) as as_of
  from `warehouse.sync_state`
  where table_name in ('departments', 'jobs', 'hired_employees')
),
counted as (
  select
    1 as answer,
    departments.department,
    jobs.job,
    countif(extract(quarter from hires.hired_on) = 1) as q1,
    countif(extract(quarter from hires.hired_on) = 2) as q2,
    countif(extract(quarter from hires.hired_on) = 3) as q3,
    countif(extract(quarter from hires.hired_on) = 4) as q4
  from `warehouse.fact_hires` as hires
  inner join `warehouse.dim_departments` as departments on departments.id = hires.department_id
  inner join `warehouse.dim_jobs` as jobs on jobs.id = hires.job_id
  -- A range of the partitioning column, so that only the year's partitions are read.
  where hires.hired_on between date(@year, 1, 1) and date(@year, 12, 31)
  group by departments.department, jobs.job
)
select
  state.as_of,
  counted.department,
  counted.job,
  counted.q1,
  counted.q2,
  counted.q3,
  counted.q4
from state
-- An outer join, so that as_of is returned even if the year has no hires.
left join counted on counted.answer = state.answer
order by counted.department, counted.job
