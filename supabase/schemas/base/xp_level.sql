-- Returns the level that a number of XP reaches: the highest of the table levels whose min_xp is not above it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: integer, 1 where no level is reached.
-- Errors: none.
create or replace function private.xp_level(p_xp bigint)
returns integer
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((select max(l.level) from public.levels as l where l.min_xp <= p_xp), 1);
end
$$;

revoke all on function private.xp_level from public, anon, authenticated, service_role;
comment on function private.xp_level is 'Returns the level that a number of XP reaches';
