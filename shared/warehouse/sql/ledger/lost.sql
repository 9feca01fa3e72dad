-- Select those of some tables whose rows were synced before, and when the newest load was finished.
select table_name, max(finished_at) as newest
from loads
where
    table_name = any(cast(:names as text[])) and state = 'done' and synced_at is not null
    and (inserted + updated > 0 or kind = 'restore')
group by table_name
