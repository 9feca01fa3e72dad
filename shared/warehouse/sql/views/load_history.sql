-- Every finished load: what was sent, by whom, the outcomes of its rows, and how long it took.
create or replace view `reporting.load_history`
options (description = 'Every finished load and the outcomes of its rows')
as
select
  loads.load_id,
  loads.source,
  loads.kind,
  loads.sender,
  loads.table_name,
  loads.state,
  loads.rows_read,
  loads.inserted,
  loads.updated,
  loads.unchanged,
  if(loads.kind = 'restore', 0, loads.superseded) as superseded,
  loads.waiting,
  loads.rejected,
  coalesce(loads.deleted, if(loads.kind = 'restore', loads.superseded, 0)) as deleted,
  loads.error_code,
  loads.accepted_at,
  loads.started_at,
  loads.finished_at,
  loads.synced_at,
  timestamp_diff(loads.finished_at, loads.started_at, millisecond) / 1000 as load_seconds,
  timestamp_diff(loads.synced_at, loads.finished_at, millisecond) / 1000 as sync_seconds
from `warehouse.loads` as loads
