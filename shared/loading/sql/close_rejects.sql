-- Close rejects that are open; of rows that waited, the ledger counts them as rejected from now on.
with picked as (
    select reject_id, load_id, status
    from rejected_rows
    where reject_id = any(cast(:ids as bigint[])) and status in ('rejected', 'waiting')
    order by reject_id
    for update
),
closed as (
    update rejected_rows r set status = :status
    from picked
    where r.reject_id = picked.reject_id
),
recounted as (
    update loads l set waiting = l.waiting - w.count, rejected = l.rejected + w.count
    from (
        select load_id, count(*) as count from picked where status = 'waiting' group by load_id
    ) w
    where l.load_id = w.load_id
)
select reject_id from picked order by reject_id
