-- Count the trips by the zone in which they began and the hour in which they ended.
with state as (
  select 1 as answer, max(as_of) as as_of
  from `warehouse.sync_state`
  where table_name in ('zones', 'trips')
),
counted as (
  select
    1 as answer,
    zones.name as zone,
    extract(hour from trips.meter_at) as hour,
    count(*) as trips,
    sum(trips.distance) as miles
  from `warehouse.fact_trips` as trips
  inner join `warehouse.zones` as zones on zones.id = trips.pickup_zone
  where trips.passengers >= @passengers
  group by zones.name, extract(hour from trips.meter_at)
)
select state.as_of, counted.zone, counted.hour, counted.trips, counted.miles
from state
left join counted on counted.answer = state.answer
order by counted.zone, counted.hour
