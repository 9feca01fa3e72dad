-- Creates the database roles and gives one to each account. An operator runs it once as `postgres`, and again after
-- adding or removing a function: terraform output -raw database_roles. `python -m infra.rights` grants the roles their
-- rights after each migration.
--
-- The owner owns the tables and loads in bulk, which drops foreign keys and adds them again; the writer changes rows;
-- the reader reads.

do $$
begin
  if not exists (select from pg_roles where rolname = 'tablegate_owner') then create role tablegate_owner nologin; end if;
  if not exists (select from pg_roles where rolname = 'tablegate_writer') then create role tablegate_writer nologin; end if;
  if not exists (select from pg_roles where rolname = 'tablegate_reader') then create role tablegate_reader nologin; end if;
end
$$;

grant usage, create on schema public to tablegate_owner;
grant usage on schema public to tablegate_writer, tablegate_reader;

%{ for user, role in users ~}
grant tablegate_${role} to "${user}";
%{ endfor ~}
