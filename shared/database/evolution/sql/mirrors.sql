-- Select the columns that triggers of ours keep equal: what each is called, and what it was called.
select
    tables.relname as table_name, functions.proname as function,
    encode(triggers.tgargs, 'escape') as arguments
from pg_trigger as triggers
join pg_class as tables on tables.oid = triggers.tgrelid
join pg_namespace as schemas on schemas.oid = tables.relnamespace
join pg_proc as functions on functions.oid = triggers.tgfoid
where schemas.nspname = 'public'
    and tables.relname = any(cast(:names as text[]))
    and starts_with(functions.proname, 'tablegate_mirror_')
order by tables.relname, functions.proname
