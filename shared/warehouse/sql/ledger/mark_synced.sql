-- Mark loads as synced, except those that have changed since they were read.
update loads
set synced_at = statement_timestamp()
from unnest(cast(:load_ids as uuid[]), cast(:versions as text[])) as read_loads (load_id, version)
where loads.load_id = read_loads.load_id
    and loads.synced_at is null
    and cast(loads.xmin as text) = read_loads.version
