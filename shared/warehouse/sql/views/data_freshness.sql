-- How fresh each table is: its newest load, its last change, and when it was last complete.
create or replace view `reporting.data_freshness`
options (description = 'How fresh each table of the warehouse is')
as
select
  state.table_name,
  state.as_of,
  state.changed_at,
  state.checked_at,
  timestamp_diff(current_timestamp(), state.changed_at, minute) as minutes_since_change,
  timestamp_diff(current_timestamp(), state.checked_at, minute) as minutes_since_check
from `warehouse.sync_state` as state
