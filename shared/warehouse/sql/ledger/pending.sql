-- Select the pending loads: finished, and not synced since they last changed; oldest first.
select
    load_id, table_name, state, kind, inserted + updated as changed, finished_at,
    case when unchanged > 0 and repeats is null then accepted_at end as confirmed_at,
    cast(xmin as text) as version
from loads
where synced_at is null and state in ('done', 'failed')
order by finished_at, load_id
limit :most
