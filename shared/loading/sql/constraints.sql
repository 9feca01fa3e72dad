-- Select the keys of a table, with their definitions, except those that other tables refer to.
select conname as name, pg_get_constraintdef(oid) as definition
from pg_constraint as own
where conrelid = to_regclass(:name)
    and contype in ('p', 'u', 'f')
    and convalidated
    and not exists (
        select
        from pg_constraint as others
        where others.contype = 'f' and others.oid <> own.oid and others.confrelid = own.conrelid
            and others.conindid = own.conindid
    )
order by contype <> 'p', conname
