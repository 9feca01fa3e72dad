-- Select a page of rejects, newest first; a filter that is null matches all. The page ends with the
-- reject that takes it to `max_bytes`; `found` is how many there were to choose from.
select *
from (
    select
        page.*,
        count(*) over () as found,
        sum(octet_length(page.raw) + octet_length(page.errors::text)) over (
            order by page.reject_id desc
            rows between unbounded preceding and 1 preceding
        ) as bytes_before
    from (
        select
            rejects.reject_id, rejects.load_id, loads.source, rejects.sender, rejects.table_name,
            rejects.position, rejects.raw::text as raw, rejects.errors, rejects.reason, rejects.status,
            rejects.rejected_at
        from rejected_rows as rejects
        join loads on loads.load_id = rejects.load_id
        where (cast(:table_name as text) is null or rejects.table_name = cast(:table_name as text))
            and (cast(:status as text) is null or rejects.status = cast(:status as text))
            and (cast(:load_id as uuid) is null or rejects.load_id = cast(:load_id as uuid))
            and (cast(:reason as text) is null or rejects.reason = cast(:reason as text))
            and (
                cast(:source as text) is null
                or loads.source = cast(:source as text)
                or starts_with(loads.source, cast(:source as text) || '#')
            )
            and (cast(:before as bigint) is null or rejects.reject_id < cast(:before as bigint))
        order by rejects.reject_id desc
        limit :rows
    ) as page
) as sized
where coalesce(bytes_before, 0) < :max_bytes
order by reject_id desc
