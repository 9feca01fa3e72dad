-- For each year with hires, the departments that hired more than the mean over all departments.
create or replace view `reporting.departments_above_mean`
options (description = 'Departments that hired more than the mean over all departments, by year')
as
with counted as (
  select
    dates.year,
    departments.id,
    departments.department,
    count(*) as hired
  from `warehouse.fact_hires` as hires
  inner join `warehouse.dim_dates` as dates on dates.date = hires.hired_on
  inner join `warehouse.dim_departments` as departments on departments.id = hires.department_id
  group by dates.year, departments.id, departments.department
),
totals as (
  select
    counted.year,
    sum(counted.hired) as total
  from counted
  group by counted.year
),
size as (
  select count(*) as department_count
  from `warehouse.dim_departments`
)
select
  counted.year,
  counted.id,
  counted.department,
  counted.hired,
  totals.total / size.department_count as mean
from counted
inner join totals on totals.year = counted.year
cross join size
-- Integers on both sides: a mean in floating point could be equal to a count by rounding.
where counted.hired * size.department_count > totals.total
