-- Reject the staged rows whose keys are stored with other values, and unstage them. For tables that
-- reject conflicts. Returns the counts (unchanged, rejected).
with known as (
    select
        {known_refused}
    from {known}
),
refused as (
    {reject_known}
),
{unstage_known}
select
    count(*) filter (where same),
    count(*) filter (where not same)
from known
