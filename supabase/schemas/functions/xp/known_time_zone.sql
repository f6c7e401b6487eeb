-- Returns a time zone under its IANA name, if there is one. Abbreviations and POSIX rules, which `at time zone` also accepts,
-- are none.
--
-- Concurrency: adds a row of private.time_zones once.
-- Locks: none.
-- Returns: text, the name; null for anything else.
-- Errors: none.
create or replace function private.known_time_zone(p_name text)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text;
begin
  if exists (select from private.time_zones as z where z.name = p_name) then
    return p_name;
  elsif coalesce(p_name, '') !~ '^([A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+){1,2}|UTC)$' or length(p_name) > 64 then
    return null;
  end if;
  -- Cheap, and refuses most wrong names before all files are read.
  perform private.clock() at time zone p_name;
  select n.name into v_name from pg_timezone_names as n where n.name = p_name;
  if found then
    insert into private.time_zones (name) values (v_name) on conflict (name) do nothing;
  end if;
  return v_name;
exception when invalid_parameter_value then
  return null;
end
$$;

revoke all on function private.known_time_zone from public, anon, authenticated, service_role;
comment on function private.known_time_zone is 'Returns a time zone under its IANA name, if there is one';
