-- The open rejects of a table in the order they came, for a file of corrections.
select r.position, r.raw, r.errors
from rejected_rows r
join loads l on l.load_id = r.load_id
where r.table_name = :table_name and r.status = 'rejected'
    and (cast(:load_id as uuid) is null or r.load_id = cast(:load_id as uuid))
    and (cast(:reason as text) is null or r.reason = cast(:reason as text))
    and (
        cast(:source as text) is null or l.source = cast(:source as text)
        or starts_with(l.source, cast(:source as text) || '#')
    )
order by r.reject_id
