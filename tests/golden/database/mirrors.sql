-- create, 1
-- Add the old column again, filled, and keep both equal.
alter table public."hired_employees" add column "full_name" text;

-- create, 2
-- Add the old column again, filled, and keep both equal.
update public."hired_employees" set "full_name" = "name";

-- create, 3
-- Add the old column again, filled, and keep both equal.
alter table public."hired_employees" alter column "full_name" set not null;

-- create, 4
-- Add the old column again, filled, and keep both equal.
create unique index on public."hired_employees" ("id");

-- create, 5
-- Add the old column again, filled, and keep both equal.
create or replace function public."tablegate_mirror_hired_employees_full_name"()
returns trigger
language plpgsql
as $$
begin
    if tg_op = 'UPDATE' then
        if new."full_name" is distinct from old."full_name"
            and new."name" is not distinct from old."name"
        then
            new."name" := coalesce(new."full_name", cast('' as text));
        end if;
    elsif new."name" is null then
        new."name" := coalesce(new."full_name", cast('' as text));
    end if;
    new."full_name" := new."name";
    return new;
end
$$;

-- create, 6
-- Add the old column again, filled, and keep both equal.
create trigger "tablegate_mirror_hired_employees_full_name"
before insert or update on public."hired_employees"
for each row
execute function public."tablegate_mirror_hired_employees_full_name"('name', 'full_name');

-- drop
-- Let both columns be, and no longer keep them equal.
drop function public."tablegate_mirror_1"() cascade;
