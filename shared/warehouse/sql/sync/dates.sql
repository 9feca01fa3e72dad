-- Count the days that dim_dates lacks, that only it has, that it has otherwise than it was made with,
-- and that it has more than once.
with expected as (
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
)

select
  countif(found.date is null) as missing,
  countif(expected.date is null) as extra,
  countif(
    found.date is not null
    and expected.date is not null
    and (
      found.year is distinct from expected.year
      or found.quarter is distinct from expected.quarter
      or found.month is distinct from expected.month
      or found.day is distinct from expected.day
      or found.iso_year is distinct from expected.iso_year
      or found.iso_week is distinct from expected.iso_week
      or found.day_name is distinct from expected.day_name
      or found.month_name is distinct from expected.month_name
    )
  ) as changed,
  count(found.date) - count(distinct found.date) as repeated
from expected
full outer join `warehouse.dim_dates` as found on found.date = expected.date
