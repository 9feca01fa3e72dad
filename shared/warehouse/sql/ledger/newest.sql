-- Select when the newest load that changed a table was finished; without such a load, now.
select coalesce(max(finished_at), now())
from loads
where table_name = :table_name and state = 'done' and (inserted + updated > 0 or kind = 'restore')
