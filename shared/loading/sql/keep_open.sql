-- Keep rejects open whose corrected rows a replay could not store: they wait, or were rejected again.
-- The replay's load has a new reject for each, with the id of the old one as its position. The two
-- change places: the old id, which callers know, is that of the row that is open.
with kept as (
    select reject_id as new_id, position as old_id
    from rejected_rows
    where load_id = cast(:load_id as uuid) and status in ('rejected', 'waiting')
),
swapped as (
    update rejected_rows
    set (load_id, sender, table_name, position, raw, errors, reason, status, rejected_at) = (
        other.load_id, other.sender, other.table_name, other.position, other.raw, other.errors,
        other.reason, other.status, other.rejected_at
    )
    from kept, rejected_rows as other
    where (rejected_rows.reject_id = kept.new_id and other.reject_id = kept.old_id)
        or (rejected_rows.reject_id = kept.old_id and other.reject_id = kept.new_id)
    returning rejected_rows.reject_id, rejected_rows.load_id, rejected_rows.status,
        rejected_rows.errors
)
select reject_id, status, errors
from swapped
where load_id = cast(:load_id as uuid)
order by reject_id
