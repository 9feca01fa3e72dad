-- Lock the stored rows whose keys are staged, and copy them next to the rows staged for them.
-- This is a separate statement so that the next one sees each row as it was locked; in most loads it
-- finds nothing, and the next one does not run. It goes row by row through the key's index, in the
-- order of the keys: a join would read the whole table if its statistics lag behind.
insert into {known}
select
    {known_values},
    {stored_row} is not distinct from {staged_row},
    (stored.accepted_at, stored.load_id) > (
        {accepted_at},
        {load_id}
    ),
    staged.position
from (select * from {staging} order by {key}) as staged
cross join lateral (
    select *
    from {target} as stored
    where {stored_is_staged}
        and stored.load_id <> {load_id}
    for update
) as stored
