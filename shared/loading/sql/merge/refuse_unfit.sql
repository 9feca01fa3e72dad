-- Reject the staged rows whose unique values a staged row of an earlier position has, or are too long for
-- PostgreSQL to compare, and unstage them.
{written}
refused (position, rule, code) as (
    {shared}
    union all
    {too_long}
),
{refuse}
