-- Rights in the database, for PostgreSQL. Three roles: the owner makes tables and loads in bulk, which takes foreign
-- keys away and puts them back; the writer changes rows; the reader reads. May be run again at any time.

do $$
begin
  if not exists (select from pg_roles where rolname = 'tablegate_owner') then create role tablegate_owner nologin; end if;
  if not exists (select from pg_roles where rolname = 'tablegate_writer') then create role tablegate_writer nologin; end if;
  if not exists (select from pg_roles where rolname = 'tablegate_reader') then create role tablegate_reader nologin; end if;
end
$$;

-- Whoever runs this acts for the owner below.
grant tablegate_owner to current_user;
grant usage, create on schema public to tablegate_owner;
grant usage on schema public to tablegate_writer, tablegate_reader;

grant select, insert, update, delete on all tables in schema public to tablegate_writer;
grant select on all tables in schema public to tablegate_reader;
grant usage on all sequences in schema public to tablegate_writer;
alter default privileges for role tablegate_owner in schema public
  grant select, insert, update, delete on tables to tablegate_writer;
alter default privileges for role tablegate_owner in schema public
  grant select on tables to tablegate_reader;
alter default privileges for role tablegate_owner in schema public
  grant usage on sequences to tablegate_writer;

%{ for user, role in users ~}
grant tablegate_${role} to "${user}";
%{ if role == "owner" ~}
-- What it makes belongs to the role, so that every owner may change it.
alter role "${user}" set role = 'tablegate_owner';
%{ endif ~}
%{ endfor ~}
