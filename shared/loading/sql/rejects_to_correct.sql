-- Select the open rejects of a table in the order they were stored, for a file of corrections.
select rejects.position, rejects.raw, rejects.errors
from rejected_rows as rejects
join loads on loads.load_id = rejects.load_id
where rejects.table_name = :table_name
    and rejects.status = 'rejected'
    and (cast(:load_id as uuid) is null or rejects.load_id = cast(:load_id as uuid))
    and (cast(:reason as text) is null or rejects.reason = cast(:reason as text))
    and (
        cast(:source as text) is null
        or loads.source = cast(:source as text)
        or starts_with(loads.source, cast(:source as text) || '#')
    )
order by rejects.reject_id
