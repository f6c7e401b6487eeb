-- Trigger of levels, before a change: waits for running awards and holds new ones until the change is committed, so that no
-- user gets a level of the old list (private.refresh_levels sets those of all others).
--
-- Concurrency: an award reads levels after it has locked its user, so a change may meet it in a deadlock. Postgres then
--   cancels one of both, which can be repeated.
-- Locks: table levels (ACCESS EXCLUSIVE).
-- Returns: trigger, null (ignored for a trigger of a statement).
-- Errors: none.
create or replace function private.lock_levels()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  lock table public.levels in access exclusive mode;
  return null;
end
$$;

revoke all on function private.lock_levels from public, anon, authenticated, service_role;
comment on function private.lock_levels is 'Holds awards while the list of levels changes';
