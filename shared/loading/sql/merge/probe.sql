-- Count the staged rows that repeat a key, that lack a parent, and whose key is stored. In most loads
-- there are none, and the statements for them need not run.
select
    count(*) - count(distinct {staged_key}),
    count(*) filter (
        where {orphaned}
    ),
    count(*) filter (
        where exists (
            select from {target} as stored
            where {stored_is_staged}
        )
    )
from {staging} as staged
