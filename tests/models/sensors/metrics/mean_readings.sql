-- Average the readings of each active sensor in a year.
with state as (
  select 1 as answer, max(as_of) as as_of
  from `warehouse.sync_state`
  where table_name in ('sensors', 'readings')
),
counted as (
  select
    1 as answer,
    sensors.label,
    count(*) as readings,
    avg(readings.value) as mean
  from `warehouse.fact_readings` as readings
  inner join `warehouse.sensors` as sensors on sensors.id = readings.sensor_id
  where readings.taken_on between date(@year, 1, 1) and date(@year, 12, 31)
    and sensors.is_active
  group by sensors.id, sensors.label
)
select state.as_of, counted.label, counted.readings, counted.mean
from state
left join counted on counted.answer = state.answer
order by counted.label
