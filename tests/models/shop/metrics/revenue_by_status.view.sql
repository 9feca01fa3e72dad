-- The orders of each year by status.
create or replace view `reporting.revenue_by_status`
options (description = 'Orders by year and status')
as
select
  dates.year,
  orders.status,
  count(*) as orders,
  sum(orders.total) as revenue
from `warehouse.fact_orders` as orders
inner join `warehouse.dim_dates` as dates on dates.date = orders.ordered_on
group by dates.year, orders.status
