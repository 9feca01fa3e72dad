-- Select the keys of tables, primary, unique and foreign, with their columns in order.
select
    tables.relname as table_name, constraints.conname as name, constraints.contype as kind,
    parents.relname as parent,
    array(
        select columns.attname
        from unnest(constraints.conkey) with ordinality as key (number, place)
        join pg_attribute as columns
            on columns.attrelid = constraints.conrelid and columns.attnum = key.number
        order by key.place
    ) as columns,
    array(
        select columns.attname
        from unnest(constraints.confkey) with ordinality as key (number, place)
        join pg_attribute as columns
            on columns.attrelid = constraints.confrelid and columns.attnum = key.number
        order by key.place
    ) as parent_columns
from pg_constraint as constraints
join pg_class as tables on tables.oid = constraints.conrelid
join pg_namespace as schemas on schemas.oid = tables.relnamespace
left join pg_class as parents on parents.oid = constraints.confrelid
where schemas.nspname = 'public'
    and tables.relname = any(cast(:names as text[]))
    and constraints.contype in ('p', 'u', 'f')
order by tables.relname, constraints.conname
