-- Select the names of the indexes of tables.
select tablename as table_name, indexname as name
from pg_indexes
where schemaname = 'public' and tablename = any(cast(:names as text[]))
