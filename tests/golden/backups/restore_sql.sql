-- create
-- Create the temporary table of the backup's rows.
create temporary table "restored_hired_employees" (
    "id" bigint,
    "name" text,
    "datetime" timestamptz,
    "department_id" bigint,
    "job_id" bigint,
    "accepted_at" timestamptz,
    "load_id" uuid
) on commit drop;

-- copy
-- Stage rows from COPY text.
copy "restored_hired_employees" ("id", "name", "datetime", "department_id", "job_id", "accepted_at", "load_id")
from stdin (null '');

-- copy_binary
-- Stage rows from COPY's binary format.
copy "restored_hired_employees" ("id", "name", "datetime", "department_id", "job_id", "accepted_at", "load_id")
from stdin (format binary);

-- doubled
-- Select the first keys that occur more than once, and count them.
select "id", count(*) over ()
from "restored_hired_employees"
group by "id"
having count(*) > 1
order by "id"
limit 10;

-- lock_out_loads
-- Make loads of the table wait until the transaction ends.
select pg_advisory_xact_lock(hashtext('tablegate hired_employees'));

-- lock
-- Lock the table against changes by anything but loads.
lock table public."hired_employees"
in share row exclusive mode;

-- without_parent in jobs
-- Select the first keys of restored rows that have no parent, and count them.
select restored."id", count(*) over ()
from "restored_hired_employees" as restored
where not exists (
    select from public."jobs" as parent
    where parent."id" = restored."job_id"
)
order by restored."id"
limit 10;

-- left_behind by a restore of departments
-- Select the first keys of a child's rows whose parent would be deleted, and count them.
select child."id", count(*) over ()
from public."hired_employees" as child
join "changes_departments" as changes on changes."id" = child."department_id"
where changes."what changes" = 'deleted'
order by child."id"
limit 10;

-- not_unique, mode replace
-- Select the first keys of restored rows that share unique values with another row.
select "id", count(*) over ()
from (
    select *, count(*) over (partition by "department_id", "job_id") as "rows with them"
    from (
        select "id", "department_id", "job_id", true as "is restored"
        from "restored_hired_employees"
    ) as together
) as counted
where "rows with them" > 1 and "is restored"
order by "department_id", "job_id", "id"
limit 10;

-- not_unique, mode merge
-- Select the first keys of restored rows that share unique values with another row.
select "id", count(*) over ()
from (
    select *, count(*) over (partition by "department_id", "job_id") as "rows with them"
    from (
        select "id", "department_id", "job_id", true as "is restored"
        from "restored_hired_employees"
        union all
        select "id", "department_id", "job_id", false
        from public."hired_employees" as stored
        where not exists (
            select from "restored_hired_employees" as restored
            where stored."id" = restored."id"
        )
    ) as together
) as counted
where "rows with them" > 1 and "is restored"
order by "department_id", "job_id", "id"
limit 10;

-- compare, mode replace
-- Record which keys change: `inserted`, `updated`, `deleted`, or `confirmed`.
create temporary table "changes_hired_employees" on commit drop as
select
    coalesce(restored."id", stored."id") as "id",
    case
        when stored."id" is null then 'inserted'
        when restored."id" is null then 'deleted'
        when (
            restored."id",
            restored."name",
            restored."datetime",
            restored."department_id",
            restored."job_id"
        ) is distinct from (
            stored."id",
            stored."name",
            stored."datetime",
            stored."department_id",
            stored."job_id"
        ) then 'updated'
        else 'confirmed'
    end as "what changes"
from "restored_hired_employees" as restored
full join public."hired_employees" as stored on stored."id" = restored."id"
where (
    restored."id",
    restored."name",
    restored."datetime",
    restored."department_id",
    restored."job_id"
) is distinct from (
    stored."id",
    stored."name",
    stored."datetime",
    stored."department_id",
    stored."job_id"
)
    or (restored."accepted_at", restored."load_id") is distinct from (stored."accepted_at", stored."load_id");

-- compare, mode merge
-- Record which keys change: `inserted`, `updated`, `deleted`, or `confirmed`.
create temporary table "changes_hired_employees" on commit drop as
select
    coalesce(restored."id", stored."id") as "id",
    case
        when stored."id" is null then 'inserted'
        when restored."id" is null then 'deleted'
        when (
            restored."id",
            restored."name",
            restored."datetime",
            restored."department_id",
            restored."job_id"
        ) is distinct from (
            stored."id",
            stored."name",
            stored."datetime",
            stored."department_id",
            stored."job_id"
        ) then 'updated'
        else 'confirmed'
    end as "what changes"
from "restored_hired_employees" as restored
left join public."hired_employees" as stored on stored."id" = restored."id"
where (
    restored."id",
    restored."name",
    restored."datetime",
    restored."department_id",
    restored."job_id"
) is distinct from (
    stored."id",
    stored."name",
    stored."datetime",
    stored."department_id",
    stored."job_id"
)
    or (restored."accepted_at", restored."load_id") is distinct from (stored."accepted_at", stored."load_id");

-- counts
-- Count the keys of each change.
select "what changes", count(*)
from "changes_hired_employees"
group by 1;

-- examples
-- Select the first keys of each change.
select "what changes", "id"
from (
    select
        *,
        row_number() over (partition by "what changes" order by "id") as "the place"
    from "changes_hired_employees"
) as numbered
where "the place" <= 10 and "what changes" <> 'confirmed'
order by "what changes", "id";

-- unchanged
-- Select the first keys of restored rows that are the same already.
select restored."id"
from "restored_hired_employees" as restored
where not exists (
    select from "changes_hired_employees" as changes
    where changes."id" = restored."id" and changes."what changes" <> 'confirmed'
)
order by restored."id"
limit 10;

-- keep_versions, mode replace, keeps_own
-- Copy the rows that the restore updates, confirms or deletes to row_versions.
insert into row_versions
    (table_name, key, row, "accepted_at", "load_id", reason, replaced_by)
select
    'hired_employees',
    jsonb_build_object('id', stored."id"),
    case when changes."what changes" <> 'confirmed' then jsonb_build_object(
        'id', stored."id",
        'name', stored."name",
        'datetime', stored."datetime",
        'department_id', stored."department_id",
        'job_id', stored."job_id"
    ) end,
    stored."accepted_at", stored."load_id",
    case changes."what changes"
        when 'updated' then 'replaced' else changes."what changes"
    end,
    cast(:load_id as uuid)
from public."hired_employees" as stored
join "changes_hired_employees" as changes on changes."id" = stored."id"
where changes."what changes" in ('updated', 'confirmed', 'deleted');

-- keep_versions, mode merge
-- Copy the rows that the restore updates, confirms or deletes to row_versions.
insert into row_versions
    (table_name, key, row, "accepted_at", "load_id", reason, replaced_by)
select
    'hired_employees',
    jsonb_build_object('id', stored."id"),
    case when changes."what changes" <> 'confirmed' then jsonb_build_object(
        'id', stored."id",
        'name', stored."name",
        'datetime', stored."datetime",
        'department_id', stored."department_id",
        'job_id', stored."job_id"
    ) end,
    stored."accepted_at", stored."load_id",
    case changes."what changes"
        when 'updated' then 'replaced' else changes."what changes"
    end,
    cast(:load_id as uuid)
from public."hired_employees" as stored
join "changes_hired_employees" as changes on changes."id" = stored."id"
where changes."what changes" in ('updated', 'deleted');

-- insert
-- Insert the rows that the table lacks.
insert into public."hired_employees"
    ("id", "name", "datetime", "department_id", "job_id", "accepted_at", "load_id")
select
    restored."id",
    restored."name",
    restored."datetime",
    restored."department_id",
    restored."job_id",
    restored."accepted_at",
    restored."load_id"
from "restored_hired_employees" as restored
join "changes_hired_employees" as changes on changes."id" = restored."id"
where changes."what changes" = 'inserted'
order by restored."id";

-- update, mode replace, keeps_own
-- Update the rows that differ.
update public."hired_employees" as stored
set
    "name" = restored."name",
    "datetime" = restored."datetime",
    "department_id" = restored."department_id",
    "job_id" = restored."job_id",
    "accepted_at" = restored."accepted_at",
    "load_id" = restored."load_id"
from "restored_hired_employees" as restored
join "changes_hired_employees" as changes on changes."id" = restored."id"
where stored."id" = restored."id"
    and changes."what changes" in ('updated', 'confirmed');

-- update, mode merge
-- Update the rows that differ.
update public."hired_employees" as stored
set
    "name" = restored."name",
    "datetime" = restored."datetime",
    "department_id" = restored."department_id",
    "job_id" = restored."job_id",
    "accepted_at" = restored."accepted_at",
    "load_id" = restored."load_id"
from "restored_hired_employees" as restored
join "changes_hired_employees" as changes on changes."id" = restored."id"
where stored."id" = restored."id"
    and changes."what changes" in ('updated');

-- delete
-- Delete the rows that the backup does not have.
delete from public."hired_employees" as stored
using "changes_hired_employees" as changes
where changes."id" = stored."id" and changes."what changes" = 'deleted';
