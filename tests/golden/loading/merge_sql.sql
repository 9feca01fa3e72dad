-- append
-- Insert all staged rows. For append-only tables.
insert into public."hired_employees"
    ("id", "name", "datetime", "department_id", "job_id", "accepted_at", "load_id", position)
select
    "id", "name", "datetime", "department_id", "job_id",
    cast(current_setting('tablegate.accepted_at') as timestamptz),
    cast(current_setting('tablegate.load_id') as uuid),
    position
from "staged_hired_employees"
order by position;

-- begin
-- Set the load's id, time and sender, and make restores of the table wait until the transaction ends.
select
    set_config('tablegate.load_id', :load_id, true),
    set_config('tablegate.accepted_at', :accepted_at, true),
    set_config('tablegate.sender', :sender, true),
    pg_advisory_xact_lock_shared(hashtext('tablegate hired_employees'));

-- copy
-- Stage rows from COPY text.
copy "staged_hired_employees" (position, "id", "name", "datetime", "department_id", "job_id")
from stdin (null '');

-- create
-- Create two temporary tables, unless the connection has them: the staged rows, and the stored rows
-- with the same keys next to the rows staged for them.
create temporary table if not exists "staged_hired_employees" (
    position bigint,
    "id" bigint,
    "name" text,
    "datetime" timestamptz,
    "department_id" bigint,
    "job_id" bigint
) on commit delete rows;
create temporary table if not exists "known_hired_employees" (
    "id" bigint,
    "name" text,
    "datetime" timestamptz,
    "department_id" bigint,
    "job_id" bigint,
    "accepted_at" timestamptz,
    "load_id" uuid,
    "new name" text,
    "new datetime" timestamptz,
    "new department_id" bigint,
    "new job_id" bigint,
    same boolean,
    newer boolean,
    position bigint
) on commit delete rows;

-- find_known
-- Lock the stored rows whose keys are staged, and copy them next to the rows staged for them.
-- This is a separate statement so that the next one sees each row as it was locked; in most loads it
-- finds nothing, and the next one does not run. It goes row by row through the key's index, in the
-- order of the keys: a join would read the whole table if its statistics lag behind.
insert into "known_hired_employees"
select
    stored."id",
    stored."name",
    stored."datetime",
    stored."department_id",
    stored."job_id",
    stored."accepted_at",
    stored."load_id",
    staged."name",
    staged."datetime",
    staged."department_id",
    staged."job_id",
    (
        stored."id",
        stored."name",
        stored."datetime",
        stored."department_id",
        stored."job_id"
    ) is not distinct from (
        staged."id",
        staged."name",
        staged."datetime",
        staged."department_id",
        staged."job_id"
    ),
    (stored.accepted_at, stored.load_id) > (
        cast(current_setting('tablegate.accepted_at') as timestamptz),
        cast(current_setting('tablegate.load_id') as uuid)
    ),
    staged.position
from (select * from "staged_hired_employees" order by "id") as staged
cross join lateral (
    select *
    from public."hired_employees" as stored
    where stored."id" = staged."id"
        and stored.load_id <> cast(current_setting('tablegate.load_id') as uuid)
    for update
) as stored;

-- free
-- Select waiting rows of the load whose parents have arrived, without their nulls.
select
    reject_id,
    position,
    cast((
        select coalesce(jsonb_object_agg(key, value), '{}')
        from jsonb_each(raw)
        where value <> 'null'
    ) as text) as raw
from rejected_rows as waiting
where status = 'waiting'
    and table_name = 'hired_employees'
    and load_id = cast(current_setting('tablegate.load_id') as uuid)
    and (cast(waiting.raw ->> 'department_id' as bigint) is null or exists (
        select from public."departments" as parent
        where parent."id" = cast(waiting.raw ->> 'department_id' as bigint)
    ))
    and (cast(waiting.raw ->> 'job_id' as bigint) is null or exists (
        select from public."jobs" as parent
        where parent."id" = cast(waiting.raw ->> 'job_id' as bigint)
    ))
limit 10000
for update skip locked;

-- has_same_content
-- Find out whether rows of the same bytes are stored, or wait. For append-only tables.
select exists (
    select from loads as earlier
    where content = :content and table_name = 'hired_employees' and kind = 'file'
        and load_id <> cast(:load_id as uuid)
        and (
            exists (
                select from public."hired_employees" as stored
                where stored.load_id = earlier.load_id
            )
            or exists (
                select from rejected_rows as waiting
                where waiting.load_id = earlier.load_id and waiting.status = 'waiting'
            )
        )
);

-- insert_new
-- Insert the staged rows, except those whose key another load has inserted meanwhile.
insert into public."hired_employees"
    ("id", "name", "datetime", "department_id", "job_id", "accepted_at", "load_id")
select
    "id", "name", "datetime", "department_id", "job_id",
    cast(current_setting('tablegate.accepted_at') as timestamptz),
    cast(current_setting('tablegate.load_id') as uuid)
from "staged_hired_employees"
order by "id"
on conflict ("id") do nothing;

-- keep_first
-- Keep the first of the staged rows that share a key; reject those that differ from it, and drop those
-- that do not. For tables that reject conflicts. Returns the counts (unchanged, rejected).
with repeated as (
    select "id", min(position) as first_position
    from "staged_hired_employees"
    group by "id"
    having count(*) > 1
),
later as (
    delete from "staged_hired_employees" as staged
    using repeated, "staged_hired_employees" as earliest
    where staged."id" = repeated."id"
        and staged.position > repeated.first_position
        and earliest."id" = repeated."id"
        and earliest.position = repeated.first_position
    returning
        staged.*,
        (
            staged."id",
            staged."name",
            staged."datetime",
            staged."department_id",
            staged."job_id"
        ) is not distinct from (
            earliest."id",
            earliest."name",
            earliest."datetime",
            earliest."department_id",
            earliest."job_id"
        ) as same
),
refused as (
    insert into rejected_rows
        (load_id, sender, table_name, position, raw, errors, reason, status)
    select
        cast(current_setting('tablegate.load_id') as uuid),
        nullif(current_setting('tablegate.sender'), ''),
        'hired_employees',
        later.position,
        jsonb_build_object(
            'id', later."id",
            'name', later."name",
            'datetime', later."datetime",
            'department_id', later."department_id",
            'job_id', later."job_id"
        ),
        found.errors,
        found.errors -> 0 ->> 'code',
        'rejected'
    from later
    cross join lateral (
        select
            jsonb_build_array(jsonb_build_object(
                'field', '_row',
                'code', 'conflict',
                'facts', jsonb_build_object()
            )) as errors
    ) as found
    where not later.same
)
select
    count(*) filter (where same),
    count(*) filter (where not same)
from later;

-- keep_last
-- Keep the last of the staged rows that share a key; the others are superseded, and kept as versions.
-- Returns how many.
with repeated as (
    select "id", max(position) as last_position
    from "staged_hired_employees"
    group by "id"
    having count(*) > 1
),
earlier as (
    delete from "staged_hired_employees" as staged
    using repeated
    where staged."id" = repeated."id"
        and staged.position < repeated.last_position
    returning staged.*
),
kept as (
    insert into row_versions
        (table_name, key, row, "accepted_at", "load_id", reason, replaced_by)
    select
        'hired_employees',
        jsonb_build_object('id', earlier."id"),
        jsonb_build_object(
            'id', earlier."id",
            'name', earlier."name",
            'datetime', earlier."datetime",
            'department_id', earlier."department_id",
            'job_id', earlier."job_id"
        ),
        cast(current_setting('tablegate.accepted_at') as timestamptz),
        cast(current_setting('tablegate.load_id') as uuid),
        'repeated',
        cast(current_setting('tablegate.load_id') as uuid)
    from earlier
)
select count(*)
from earlier;

-- lock_out_restores
-- Make restores of the table wait until the transaction ends; other loads continue.
select pg_advisory_xact_lock_shared(hashtext('tablegate hired_employees'));

-- lock_unique
-- Make other loads wait before they store rows of the table, until the transaction ends.
select pg_advisory_xact_lock(hashtext('tablegate unique hired_employees'));

-- merge_known
-- Merge the staged rows whose keys are stored, and unstage them. The newest accepted version stays;
-- row_versions keeps the others: those that were replaced, those that came too late, and those whose
-- accepted_at alone was raised. Returns the counts (unchanged, superseded, updated).
with known as (select * from "known_hired_employees"),
replaced as (
    insert into row_versions
        (table_name, key, row, "accepted_at", "load_id", reason, replaced_by)
    select
        'hired_employees',
        jsonb_build_object('id', known."id"),
        jsonb_build_object(
            'id', known."id",
            'name', known."name",
            'datetime', known."datetime",
            'department_id', known."department_id",
            'job_id', known."job_id"
        ),
        "accepted_at", "load_id",
        'replaced',
        cast(current_setting('tablegate.load_id') as uuid)
    from known
    where not same and not newer
),
late as (
    insert into row_versions
        (table_name, key, row, "accepted_at", "load_id", reason, replaced_by)
    select
        'hired_employees',
        jsonb_build_object('id', known."id"),
        jsonb_build_object(
            'id', known."id",
            'name', known."new name",
            'datetime', known."new datetime",
            'department_id', known."new department_id",
            'job_id', known."new job_id"
        ),
        cast(current_setting('tablegate.accepted_at') as timestamptz),
        cast(current_setting('tablegate.load_id') as uuid),
        'late',
        known.load_id
    from known
    where (not same and newer) or (same and accepted_at > cast(current_setting('tablegate.accepted_at') as timestamptz))
),
updated as (
    update public."hired_employees" as stored
    set
        "name" = known."new name",
        "datetime" = known."new datetime",
        "department_id" = known."new department_id",
        "job_id" = known."new job_id",
        "accepted_at" = cast(current_setting('tablegate.accepted_at') as timestamptz),
        "load_id" = cast(current_setting('tablegate.load_id') as uuid)
    from known
    where not known.same and not known.newer
        and stored."id" = known."id"
),
raised as (
    insert into row_versions
        (table_name, key, "accepted_at", "load_id", reason, replaced_by)
    select
        'hired_employees',
        jsonb_build_object('id', known."id"),
        "accepted_at", "load_id",
        'confirmed',
        cast(current_setting('tablegate.load_id') as uuid)
    from known
    where same and accepted_at < cast(current_setting('tablegate.accepted_at') as timestamptz)
),
confirmed as (
    update public."hired_employees" as stored
    set accepted_at = cast(current_setting('tablegate.accepted_at') as timestamptz)
    from known
    where known.same and known.accepted_at < cast(current_setting('tablegate.accepted_at') as timestamptz)
        and stored."id" = known."id"
),
unstaged as (
    delete from "staged_hired_employees" as staged
    using known
    where staged."id" = known."id"
),
emptied as (delete from "known_hired_employees")
select
    count(*) filter (where same),
    count(*) filter (where not same and newer),
    count(*) filter (where not same and not newer)
from known;

-- park
-- Move the staged rows that lack a parent to rejected_rows, as waiting.
with orphans as (
    delete from "staged_hired_employees" as staged
    where not exists (
        select from public."departments" as parent
        where parent."id" = staged."department_id"
    )
    or not exists (
        select from public."jobs" as parent
        where parent."id" = staged."job_id"
    )
    returning staged.*
)
insert into rejected_rows
    (load_id, sender, table_name, position, raw, errors, reason, status)
select
    cast(current_setting('tablegate.load_id') as uuid),
    nullif(current_setting('tablegate.sender'), ''),
    'hired_employees',
    orphans.position,
    jsonb_build_object(
        'id', orphans."id",
        'name', orphans."name",
        'datetime', orphans."datetime",
        'department_id', orphans."department_id",
        'job_id', orphans."job_id"
    ),
    found.errors,
    found.errors -> 0 ->> 'code',
    'waiting'
from orphans
cross join lateral (
    select
        case
            when exists (
                select from public."departments" as parent
                where parent."id" = orphans."department_id"
            ) then '[]'::jsonb
            else jsonb_build_array(jsonb_build_object(
                'field', 'department_id',
                'code', 'missing_parent',
                'facts', jsonb_build_object('table', 'departments')
            ))
        end
        || case
            when exists (
                select from public."jobs" as parent
                where parent."id" = orphans."job_id"
            ) then '[]'::jsonb
            else jsonb_build_array(jsonb_build_object(
                'field', 'job_id',
                'code', 'missing_parent',
                'facts', jsonb_build_object('table', 'jobs')
            ))
        end as errors
) as found;

-- probe
-- Count the staged rows that repeat a key, and the parents that they lack. Lock the other parents until the
-- commit, as the checks of foreign keys would, and find out whether those may be skipped then.
with parents_0 as materialized (
    select distinct "department_id"
    from "staged_hired_employees" as staged
),
parents_1 as materialized (
    select distinct "job_id"
    from "staged_hired_employees" as staged
)
select
    count(*) - count(distinct (staged."id")),
    (
        select count(*)
        from parents_0
    ) - (
        select count(*)
        from (
            select
            from public."departments" as parent
            where (parent."id") in (select * from parents_0)
            order by (parent."id")
            for key share
        ) as locked
    )
    + (
        select count(*)
        from parents_1
    ) - (
        select count(*)
        from (
            select
            from public."jobs" as parent
            where (parent."id") in (select * from parents_1)
            order by (parent."id")
            for key share
        ) as locked
    ),
    count(*),
    has_parameter_privilege('session_replication_role', 'set')
        and not exists (
            select
            from pg_trigger
            where tgrelid = 'public."hired_employees"'::regclass and not tgisinternal
        )
        and 2 = (
            select count(*)
            from pg_constraint
            where conrelid = 'public."hired_employees"'::regclass and contype = 'f'
        )
from "staged_hired_employees" as staged;

-- refuse_known
-- Reject the staged rows whose keys are stored with other values, and unstage them. For tables that
-- reject conflicts. Returns the counts (unchanged, rejected).
with known as (
    select
        position,
        same,
        "id",
        "new name" as "name",
        "new datetime" as "datetime",
        "new department_id" as "department_id",
        "new job_id" as "job_id"
    from "known_hired_employees"
),
refused as (
    insert into rejected_rows
        (load_id, sender, table_name, position, raw, errors, reason, status)
    select
        cast(current_setting('tablegate.load_id') as uuid),
        nullif(current_setting('tablegate.sender'), ''),
        'hired_employees',
        known.position,
        jsonb_build_object(
            'id', known."id",
            'name', known."name",
            'datetime', known."datetime",
            'department_id', known."department_id",
            'job_id', known."job_id"
        ),
        found.errors,
        found.errors -> 0 ->> 'code',
        'rejected'
    from known
    cross join lateral (
        select
            jsonb_build_array(jsonb_build_object(
                'field', '_row',
                'code', 'conflict',
                'facts', jsonb_build_object()
            )) as errors
    ) as found
    where not known.same
),
unstaged as (
    delete from "staged_hired_employees" as staged
    using known
    where staged."id" = known."id"
),
emptied as (delete from "known_hired_employees")
select
    count(*) filter (where same),
    count(*) filter (where not same)
from known;

-- refuse_taken
-- Reject the staged rows whose unique values a stored row with another key has and keeps, and unstage
-- them. It keeps them unless another staged row gives it others. A row that is rejected here may be the
-- one that would have given up the values of another: repeat until no row is rejected.
with written as materialized (
    select staged.*
    from "staged_hired_employees" as staged
    where not exists (
        select from "known_hired_employees" as known
        where staged."id" = known."id"
            and (known.same or known.newer)
    )
),
refused (position, rule, code) as (
    select written.position, 0, 'not_unique'
    from written
    cross join lateral (
        select *
        from public."hired_employees" as holder
        where holder."name" = written."name"
            and (holder."id") <> (written."id")
        limit 1
    ) as holder
    where not exists (
        select from written as giver
        where giver."id" = holder."id"
            and (giver."name") is distinct from (holder."name")
    )
    union all
    select written.position, 1, 'not_unique'
    from written
    cross join lateral (
        select *
        from public."hired_employees" as holder
        where holder."department_id" = written."department_id" and holder."job_id" = written."job_id"
            and (holder."id") <> (written."id")
        limit 1
    ) as holder
    where not exists (
        select from written as giver
        where giver."id" = holder."id"
            and (giver."department_id", giver."job_id") is distinct from (holder."department_id", holder."job_id")
    )
),
causes as (
    select
        position,
        jsonb_agg(
            jsonb_build_object(
                'field', case rule when 0 then 'name' when 1 then 'department_id' end,
                'code', code,
                'facts', jsonb_build_object('fields', case rule when 0 then 'name' when 1 then 'department_id, job_id' end)
            )
            order by rule, code
        ) as errors
    from refused
    group by position
),
forgotten as (
    delete from "known_hired_employees" as known
    using causes
    where known.position = causes.position
),
unstaged as (
    delete from "staged_hired_employees" as staged
    using causes
    where staged.position = causes.position
    returning staged.*
)
insert into rejected_rows
    (load_id, sender, table_name, position, raw, errors, reason, status)
select
    cast(current_setting('tablegate.load_id') as uuid),
    nullif(current_setting('tablegate.sender'), ''),
    'hired_employees',
    unstaged.position,
    jsonb_build_object(
        'id', unstaged."id",
        'name', unstaged."name",
        'datetime', unstaged."datetime",
        'department_id', unstaged."department_id",
        'job_id', unstaged."job_id"
    ),
    found.errors,
    found.errors -> 0 ->> 'code',
    'rejected'
from unstaged
cross join lateral (
    select
        causes.errors as errors
    from causes
    where causes.position = unstaged.position
) as found;

-- refuse_takers
-- Reject the staged rows whose unique values a stored row with another key has, even if another staged row
-- would give it others, and unstage them.
with written as materialized (
    select staged.*
    from "staged_hired_employees" as staged
    where not exists (
        select from "known_hired_employees" as known
        where staged."id" = known."id"
            and (known.same or known.newer)
    )
),
refused (position, rule, code) as (
    select written.position, 0, 'not_unique'
    from written
    cross join lateral (
        select *
        from public."hired_employees" as holder
        where holder."name" = written."name"
            and (holder."id") <> (written."id")
        limit 1
    ) as holder
    union all
    select written.position, 1, 'not_unique'
    from written
    cross join lateral (
        select *
        from public."hired_employees" as holder
        where holder."department_id" = written."department_id" and holder."job_id" = written."job_id"
            and (holder."id") <> (written."id")
        limit 1
    ) as holder
),
causes as (
    select
        position,
        jsonb_agg(
            jsonb_build_object(
                'field', case rule when 0 then 'name' when 1 then 'department_id' end,
                'code', code,
                'facts', jsonb_build_object('fields', case rule when 0 then 'name' when 1 then 'department_id, job_id' end)
            )
            order by rule, code
        ) as errors
    from refused
    group by position
),
forgotten as (
    delete from "known_hired_employees" as known
    using causes
    where known.position = causes.position
),
unstaged as (
    delete from "staged_hired_employees" as staged
    using causes
    where staged.position = causes.position
    returning staged.*
)
insert into rejected_rows
    (load_id, sender, table_name, position, raw, errors, reason, status)
select
    cast(current_setting('tablegate.load_id') as uuid),
    nullif(current_setting('tablegate.sender'), ''),
    'hired_employees',
    unstaged.position,
    jsonb_build_object(
        'id', unstaged."id",
        'name', unstaged."name",
        'datetime', unstaged."datetime",
        'department_id', unstaged."department_id",
        'job_id', unstaged."job_id"
    ),
    found.errors,
    found.errors -> 0 ->> 'code',
    'rejected'
from unstaged
cross join lateral (
    select
        causes.errors as errors
    from causes
    where causes.position = unstaged.position
) as found;

-- refuse_unfit
-- Reject the staged rows whose unique values a staged row of an earlier position has, or are too long for
-- PostgreSQL to compare, and unstage them.
with written as materialized (
    select staged.*
    from "staged_hired_employees" as staged
    where not exists (
        select from "known_hired_employees" as known
        where staged."id" = known."id"
            and (known.same or known.newer)
    )
),
refused (position, rule, code) as (
    select position, 0, 'not_unique'
    from (
        select
            position,
            row_number() over (partition by "name" order by position) as place
        from written
    ) as numbered
    where place > 1
    union all
    select position, 1, 'not_unique'
    from (
        select
            position,
            row_number() over (partition by "department_id", "job_id" order by position) as place
        from written
    ) as numbered
    where place > 1
    union all
    select position, 0, 'unique_too_long'
    from written
    where coalesce(pg_column_size("name"), 0) > 2600
    union all
    select position, 1, 'unique_too_long'
    from written
    where coalesce(pg_column_size("department_id"), 0) + coalesce(pg_column_size("job_id"), 0) > 2600
),
causes as (
    select
        position,
        jsonb_agg(
            jsonb_build_object(
                'field', case rule when 0 then 'name' when 1 then 'department_id' end,
                'code', code,
                'facts', jsonb_build_object('fields', case rule when 0 then 'name' when 1 then 'department_id, job_id' end)
            )
            order by rule, code
        ) as errors
    from refused
    group by position
),
forgotten as (
    delete from "known_hired_employees" as known
    using causes
    where known.position = causes.position
),
unstaged as (
    delete from "staged_hired_employees" as staged
    using causes
    where staged.position = causes.position
    returning staged.*
)
insert into rejected_rows
    (load_id, sender, table_name, position, raw, errors, reason, status)
select
    cast(current_setting('tablegate.load_id') as uuid),
    nullif(current_setting('tablegate.sender'), ''),
    'hired_employees',
    unstaged.position,
    jsonb_build_object(
        'id', unstaged."id",
        'name', unstaged."name",
        'datetime', unstaged."datetime",
        'department_id', unstaged."department_id",
        'job_id', unstaged."job_id"
    ),
    found.errors,
    found.errors -> 0 ->> 'code',
    'rejected'
from unstaged
cross join lateral (
    select
        causes.errors as errors
    from causes
    where causes.position = unstaged.position
) as found;

-- releasable
-- Select the loads that have waiting rows whose parents have arrived, oldest accepted first.
select load_id, accepted_at, sender
from loads
where load_id in (
    select load_id
    from rejected_rows as waiting
    where status = 'waiting'
        and table_name = 'hired_employees'
        and (cast(waiting.raw ->> 'department_id' as bigint) is null or exists (
            select from public."departments" as parent
            where parent."id" = cast(waiting.raw ->> 'department_id' as bigint)
        ))
        and (cast(waiting.raw ->> 'job_id' as bigint) is null or exists (
            select from public."jobs" as parent
            where parent."id" = cast(waiting.raw ->> 'job_id' as bigint)
        ))
)
order by accepted_at, load_id;
