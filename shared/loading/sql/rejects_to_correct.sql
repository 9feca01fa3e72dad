-- Select open rejects of a table that are kept whole, in the order they were stored, after one of
-- them. They end with the one that takes them to `max_bytes`.
select reject_id, position, raw, errors
from (
    select
        page.*,
        sum(octet_length(page.raw) + octet_length(page.errors::text)) over (
            order by page.reject_id
            rows between unbounded preceding and 1 preceding
        ) as bytes_before
    from (
        select rejects.reject_id, rejects.position, rejects.raw::text as raw, rejects.errors
        from rejected_rows as rejects
        join loads on loads.load_id = rejects.load_id
        where rejects.table_name = :table_name
            and rejects.status = 'rejected'
            and rejects.reject_id > :after
            and not rejects.errors @> '[{"code": "row_cut"}]'
            and (cast(:load_id as uuid) is null or rejects.load_id = cast(:load_id as uuid))
            and (cast(:reason as text) is null or rejects.reason = cast(:reason as text))
            and (
                cast(:source as text) is null
                or loads.source = cast(:source as text)
                or starts_with(loads.source, cast(:source as text) || '#')
            )
        order by rejects.reject_id
        limit :rows
    ) as page
) as sized
where coalesce(bytes_before, 0) < :max_bytes
order by reject_id
