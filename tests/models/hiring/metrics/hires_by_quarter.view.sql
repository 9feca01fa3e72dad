-- Hires by department, job and quarter (UTC), for every year in dim_dates.
create or replace view `reporting.hires_by_quarter`
options (description = 'Hires by department, job and quarter (UTC), 1900 to 2200')
as
select
  dates.year,
  departments.department,
  jobs.job,
  countif(dates.quarter = 1) as q1,
  countif(dates.quarter = 2) as q2,
  countif(dates.quarter = 3) as q3,
  countif(dates.quarter = 4) as q4,
  count(*) as hired
from `warehouse.fact_hires` as hires
inner join `warehouse.dim_dates` as dates on dates.date = hires.hired_on
inner join `warehouse.dim_departments` as departments on departments.id = hires.department_id
inner join `warehouse.dim_jobs` as jobs on jobs.id = hires.job_id
group by dates.year, departments.department, jobs.job
