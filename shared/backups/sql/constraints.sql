-- Select the foreign keys from a table and to it, each with its definition.
select
    cast(cast(conrelid as regclass) as text) as child, conname as name,
    pg_get_constraintdef(oid) as definition,
    conrelid = to_regclass(cast(:name as text)) as is_own,
    confrelid = to_regclass(cast(:name as text)) as leads_here
from pg_constraint
where contype = 'f' and to_regclass(cast(:name as text)) in (conrelid, confrelid)
order by child, name
