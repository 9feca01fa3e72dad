-- Count the staged rows that repeat a key, and the parents that they lack. Lock the other parents until the
-- commit, as the checks of foreign keys would, and find out whether those may be skipped then.
{wanted_parents}
select
    count(*) - count(distinct {staged_key}),
    {lacking_parents},
    count(*),
    {may_skip_checks}
from {staging} as staged
