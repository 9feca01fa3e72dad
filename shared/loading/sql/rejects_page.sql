-- A page of rejects, newest first; a filter that is null lets everything through.
select
    r.reject_id, r.load_id, l.source, r.sender, r.table_name, r.position, r.raw, r.errors,
    r.reason, r.status, r.rejected_at
from rejected_rows r
join loads l on l.load_id = r.load_id
where (cast(:table_name as text) is null or r.table_name = cast(:table_name as text))
    and (cast(:status as text) is null or r.status = cast(:status as text))
    and (cast(:load_id as uuid) is null or r.load_id = cast(:load_id as uuid))
    and (cast(:reason as text) is null or r.reason = cast(:reason as text))
    and (
        cast(:source as text) is null or l.source = cast(:source as text)
        or starts_with(l.source, cast(:source as text) || '#')
    )
    and (cast(:before as bigint) is null or r.reject_id < cast(:before as bigint))
order by r.reject_id desc
limit :rows
