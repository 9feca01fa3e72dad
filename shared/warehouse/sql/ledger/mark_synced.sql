-- Mark loads as seen, those only that nobody has written since they were read.
update loads
set synced_at = statement_timestamp()
from unnest(cast(:load_ids as uuid[]), cast(:versions as text[])) as seen (load_id, version)
where loads.load_id = seen.load_id
    and loads.synced_at is null
    and cast(loads.xmin as text) = seen.version
