-- Select the columns of tables, in their order.
select
    tables.relname as table_name, columns.attname as name,
    format_type(columns.atttypid, columns.atttypmod) as type,
    columns.attnotnull as is_not_null,
    columns.atthasdef or columns.attidentity <> '' as has_default
from pg_class as tables
join pg_namespace as schemas on schemas.oid = tables.relnamespace
join pg_attribute as columns on columns.attrelid = tables.oid
where schemas.nspname = 'public'
    and tables.relkind in ('r', 'p')
    and tables.relname = any(cast(:names as text[]))
    and columns.attnum > 0
    and not columns.attisdropped
order by tables.relname, columns.attnum
