-- Keep the first of the staged rows that share a key; reject those that differ from it, and drop those
-- that do not. For tables that reject conflicts. Returns the counts (unchanged, rejected).
with repeated as (
    select {key}, min(position) as first_position
    from {staging}
    group by {key}
    having count(*) > 1
),
later as (
    delete from {staging} as staged
    using repeated, {staging} as earliest
    where {staged_is_repeated}
        and staged.position > repeated.first_position
        and {earliest_is_repeated}
        and earliest.position = repeated.first_position
    returning
        staged.*,
        {staged_row} is not distinct from {earliest_row} as same
),
refused as (
    {reject_later}
)
select
    count(*) filter (where same),
    count(*) filter (where not same)
from later
