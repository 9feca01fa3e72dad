-- range_query
-- COPY the rows in pages from `start` to before `end`, with a row per `step` pages.
copy (
    select sent.*
    from generate_series(0, 4095, 64) as ranges (first)
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
        from public."hired_employees" as source
        where ctid >= cast('(' || ranges.first || ',0)' as tid)
            and ctid < cast('(' || least(ranges.first + 64, 4096) || ',0)' as tid)
    ) as sent
) to stdout (format binary);

-- few_query
-- COPY the selected rows as one row; at most one row more than `_FEW_ROWS`.
copy (
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
    from (
        select "id", "name", "datetime", "department_id", "job_id", "accepted_at", "load_id"
        from public."hired_employees"
        where "load_id" = any(cast('{00000000-0000-4000-8000-000000000001}' as uuid[]))
            or "accepted_at" = any(cast('{2026-01-01T12:00:00+00:00}' as timestamptz[]))
        limit 5001
    ) as source
) to stdout (format binary);

-- range_counts_query
-- Count the selected rows of each range of pages that has any, by number from 1.
select width_bucket(ctid, (
    select array_agg(cast('(' || first || ',0)' as tid) order by first)
    from generate_series(0, 4096, 64) as ranges (first)
)), count(*)
from public."hired_employees"
where "load_id" = any(cast('{00000000-0000-4000-8000-000000000001}' as uuid[]))
    or "accepted_at" = any(cast('{2026-01-01T12:00:00+00:00}' as timestamptz[]))
group by 1
order by 1;

-- ranges_query
-- COPY the rows in the ranges that begin with these pages, with a row per range.
copy (
    select sent.*
    from unnest(cast('{0,128}' as bigint[])) as ranges (first)
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
        from public."hired_employees" as source
        where ctid >= cast('(' || ranges.first || ',0)' as tid)
            and ctid < cast('(' || ranges.first + 64 || ',0)' as tid)
            and ("load_id" = any(cast('{00000000-0000-4000-8000-000000000001}' as uuid[]))
                or "accepted_at" = any(cast('{2026-01-01T12:00:00+00:00}' as timestamptz[])))
    ) as sent
) to stdout (format binary);

-- row_query
-- COPY the selected rows one by one, with values in the form that Avro holds.
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
    where "load_id" = any(cast('{00000000-0000-4000-8000-000000000001}' as uuid[]))
        or "accepted_at" = any(cast('{2026-01-01T12:00:00+00:00}' as timestamptz[]))
) to stdout;
