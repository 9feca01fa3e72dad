-- Reject the staged rows whose unique values a stored row with another key has and keeps, and unstage
-- them. It keeps them unless another staged row gives it others. A row that is rejected here may be the
-- one that would have given up the values of another: repeat until no row is rejected.
{written}
refused (position, rule, code) as (
    {taken_and_kept}
),
{refuse}
