-- precheck
-- Count stored keys and parents, lock the parents, and find out if checks may be skipped.
select
    (
        select count(*)
        from public."hired_employees"
        where "id" = any(cast(:keys as bigint[]))
    ),
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
        ),
    (
        select count(*)
        from (
            select
            from public."departments"
            where "id" = any(cast(:parents_0 as bigint[]))
            order by "id"
            for key share
        ) as locked
    ),
    (
        select count(*)
        from (
            select
            from public."jobs"
            where "id" = any(cast(:parents_1 as bigint[]))
            order by "id"
            for key share
        ) as locked
    );

-- copy_new
-- Copy rows into the table, including the columns that the load sets.
copy public."hired_employees" ("id", "name", "datetime", "department_id", "job_id", "accepted_at", "load_id")
from stdin (null '');

-- can_bulk_load
-- Find out whether the table is empty and all of its parents have rows.
select
    not exists (select from public."hired_employees")
    and exists (select from public."departments")
    and exists (select from public."jobs");

-- lock
-- Lock the table and its parents exclusively for this transaction.
lock table public."departments", public."jobs", public."hired_employees"
in access exclusive mode;

-- any_row
-- Select a row if the table has any.
select 1
from public."hired_employees"
limit 1;

-- set_defaults
-- Set the columns of the load as defaults for the rows that follow.
alter table public."hired_employees"
    alter "accepted_at" set default '2026-01-01T12:00:00+00:00',
    alter "load_id" set default '00000000-0000-4000-8000-000000000001';

-- copy_fields
-- Copy rows into the table, without the columns that the load sets.
copy public."hired_employees" ("id", "name", "datetime", "department_id", "job_id")
from stdin (null '');

-- drop_defaults
-- Drop the defaults again.
alter table public."hired_employees"
    alter "accepted_at" drop default,
    alter "load_id" drop default;

-- drop_constraint
-- Drop a constraint.
alter table public."hired_employees"
drop constraint "hired_employees_pkey";

-- add_constraint
-- Create a constraint again, over all rows at once.
alter table public."hired_employees"
add constraint "hired_employees_pkey" PRIMARY KEY (id);
