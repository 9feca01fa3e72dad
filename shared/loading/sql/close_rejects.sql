-- Close rejects that are open. The ledger counts those that were waiting as rejected from now on.
with picked as (
    select reject_id, load_id, status
    from rejected_rows
    where reject_id = any(cast(:ids as bigint[])) and status in ('rejected', 'waiting')
    order by reject_id
    for update
),
closed as (
    update rejected_rows
    set status = :status
    from picked
    where rejected_rows.reject_id = picked.reject_id
),
waited as (
    select load_id, count(*) as count
    from picked
    where status = 'waiting'
    group by load_id
),
recounted as (
    update loads
    set waiting = loads.waiting - waited.count, rejected = loads.rejected + waited.count
    from waited
    where loads.load_id = waited.load_id
)
select reject_id
from picked
