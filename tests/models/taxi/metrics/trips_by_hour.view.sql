-- Trips by zone and hour of the meter's clock.
create or replace view `reporting.trips_by_hour`
options (description = 'Trips by zone and hour')
as
select
  zones.name as zone,
  extract(hour from trips.meter_at) as hour,
  count(*) as trips,
  sum(trips.distance) as miles
from `warehouse.fact_trips` as trips
inner join `warehouse.zones` as zones on zones.id = trips.pickup_zone
group by zones.name, extract(hour from trips.meter_at)
