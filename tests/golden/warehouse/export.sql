-- the rows of a load
copy (
    select
        "id",
        cast("name" as text),
        cast(extract(epoch from "datetime") * 1000000 as bigint),
        "department_id",
        "job_id",
        cast(extract(epoch from "accepted_at") * 1000000 as bigint),
        cast("load_id" as text)
    from public."hired_employees"
    where load_id = any('{00000000-0000-4000-8000-000000000001}'::uuid[])
        or accepted_at = any('{2026-01-01T12:00:00+00:00}'::timestamptz[])
) to stdout;

-- the whole table
copy (
    select
        "id",
        cast("name" as text),
        cast(extract(epoch from "datetime") * 1000000 as bigint),
        "department_id",
        "job_id",
        cast(extract(epoch from "accepted_at") * 1000000 as bigint),
        cast("load_id" as text)
    from public."hired_employees"
) to stdout;
