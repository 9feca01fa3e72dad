-- Select the departments that hired more than the mean over all departments in a year, most hires first.
with state as (
  select
    1 as answer,
    max(as_of) as as_of
  from `warehouse.sync_state`
  where table_name in ('departments', 'hired_employees')
),
hires as (
  select
    department_id,
    count(*) as hired
  from `warehouse.fact_hires`
  -- A range of the partitioning column, so that only the year's partitions are read.
  where hired_on between date(@year, 1, 1) and date(@year, 12, 31)
  group by department_id
),
counted as (
  select
    departments.id,
    departments.department,
    coalesce(hires.hired, 0) as hired
  from `warehouse.dim_departments` as departments
  left join hires on hires.department_id = departments.id
),
whole as (
  select
    1 as answer,
    coalesce(sum(counted.hired), 0) as total,
    count(*) as department_count
  from counted
),
above as (
  select
    1 as answer,
    counted.id,
    counted.department,
    counted.hired
  from counted
  cross join whole
  -- Integers on both sides: a mean in floating point could be equal to a count by rounding.
  where counted.hired * whole.department_count > whole.total
)
select
  state.as_of,
  whole.total / nullif(whole.department_count, 0) as mean,
  above.id,
  above.department,
  above.hired
from state
inner join whole on whole.answer = state.answer
-- An outer join, so that as_of and the mean are returned even if no department is above it.
left join above on above.answer = state.answer
order by above.hired desc, above.id
