-- Who may do what in the database. An operator runs this once as `postgres`, and again after a function came or went:
-- terraform output -raw database_roles. What the roles may do follows after each migration: python -m infra.rights.
--
-- The owner has the tables, and loads in bulk, which takes foreign keys away and puts them back; the writer changes
-- rows; the reader reads.

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
