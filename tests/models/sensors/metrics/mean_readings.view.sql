-- The mean of each sensor's readings.
create or replace view `reporting.mean_readings`
options (description = 'Mean reading of each sensor by year')
as
select
  dates.year,
  sensors.label,
  count(*) as readings,
  avg(readings.value) as mean
from `warehouse.fact_readings` as readings
inner join `warehouse.sensors` as sensors on sensors.id = readings.sensor_id
inner join `warehouse.dim_dates` as dates on dates.date = readings.taken_on
group by dates.year, sensors.id, sensors.label
