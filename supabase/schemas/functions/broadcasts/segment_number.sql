-- Reads a number of a segment: a positive whole number.
--
-- Concurrency: reads and changes no data.
-- Locks: none.
-- Returns: bigint
-- Errors: Q0001 it is none.
create or replace function private.segment_number(p_value jsonb)
returns bigint
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if jsonb_typeof(p_value) is distinct from 'number' or p_value #>> '{}' !~ '^[1-9][0-9]{0,17}$' then
    raise exception 'segment: a number' using errcode = 'Q0001';
  end if;
  return (p_value #>> '{}')::bigint;
end
$$;

revoke all on function private.segment_number from public, anon, authenticated, service_role;
comment on function private.segment_number is 'Reads a number of a segment';
