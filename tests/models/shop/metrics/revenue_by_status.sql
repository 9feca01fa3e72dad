-- Sum up the orders of a year by status, less what was refunded.
with state as (
  select 1 as answer, max(as_of) as as_of
  from `warehouse.sync_state`
  where table_name in ('orders', 'refunds')
),
refunded as (
  select order_id, sum(amount) as amount
  from `warehouse.refunds`
  group by order_id
),
counted as (
  select
    1 as answer,
    orders.status,
    count(*) as orders,
    sum(orders.total + coalesce(refunded.amount, 0)) as revenue
  from `warehouse.fact_orders` as orders
  left join refunded on refunded.order_id = orders.id
  where orders.ordered_on between date(@year, 1, 1) and date(@year, 12, 31)
  group by orders.status
)
select state.as_of, counted.status, counted.orders, counted.revenue
from state
left join counted on counted.answer = state.answer
order by counted.status
