-- Keep the last of the staged rows that share a key; the others are superseded.
delete from {staging} as staged
using (
    select {key}, max(position) as last_position
    from {staging}
    group by {key}
    having count(*) > 1
) as repeated
where {staged_is_repeated}
    and staged.position < repeated.last_position
