-- Reject the staged rows whose unique values a stored row with another key has, even if another staged row
-- would give it others, and unstage them.
{written}
refused (position, rule, code) as (
    {taken}
),
{refuse}
