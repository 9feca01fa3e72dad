-- Find out whether another table refers to the one named.
select exists (
    select
    from pg_constraint
    where contype = 'f' and confrelid = to_regclass(:name)
)
