-- Move the staged rows that lack a parent to rejected_rows, as waiting.
with orphans as (
    delete from {staging} as staged
    where {orphaned}
    returning staged.*
)
{park_orphans}
