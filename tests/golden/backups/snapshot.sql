-- lock
-- Lock tables against what would rewrite or empty them.
lock table public."departments", public."jobs", public."hired_employees"
in access share mode;

-- count
-- Count the rows of a table.
select count(*)
from public."hired_employees";

-- query
-- The COPY of the rows of the pages from `start` to before `end`, `step` pages at a time.
copy (
    select rows.*
    from generate_series(0, 4095, 64) as pages (first)
    cross join lateral (
        select
            int8send(count(*)),
            string_agg(int8send("id"), ''),
            string_agg(int4send(octet_length("name")), ''),
            string_agg(textsend("name"), ''),
            string_agg(timestamptz_send("datetime"), ''),
            string_agg(int8send("department_id"), ''),
            string_agg(int8send("job_id"), ''),
            string_agg(timestamptz_send("accepted_at"), ''),
            string_agg(uuid_send("load_id"), '')
        from public."hired_employees"
        where ctid >= cast('(' || first || ',0)' as tid)
            and ctid < cast('(' || least(first + 64, 4096) || ',0)' as tid)
    ) as rows
) to stdout (format binary);

-- row_query
-- What gives the rows of a table one by one.
select
    "id",
    "name",
    cast(extract(epoch from "datetime") * 1000000 as bigint),
    "department_id",
    "job_id",
    cast(extract(epoch from "accepted_at") * 1000000 as bigint),
    cast("load_id" as text)
from public."hired_employees";
