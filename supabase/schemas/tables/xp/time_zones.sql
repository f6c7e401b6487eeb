-- IANA time zones that users have chosen. Reading pg_timezone_names takes 40 ms; a name that is here needs no such reading.

create table private.time_zones (
  name text primary key
);

comment on table private.time_zones is 'Time zones that users have chosen, known to be valid';
alter table private.time_zones enable row level security;
revoke all on table private.time_zones from public, anon, authenticated, service_role;
