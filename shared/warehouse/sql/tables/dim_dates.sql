-- The calendar of the years that metrics can be queried for; created once, in full.
create table if not exists `warehouse.dim_dates`
cluster by date
options (description = 'One row a day, 1900 to 2200')
as
select
  date,
  extract(year from date) as year,
  extract(quarter from date) as quarter,
  extract(month from date) as month,
  extract(day from date) as day,
  extract(isoyear from date) as iso_year,
  extract(isoweek from date) as iso_week,
  format_date('%A', date) as day_name,
  format_date('%B', date) as month_name
from unnest(generate_date_array(date '1900-01-01', date '2200-12-31')) as date
