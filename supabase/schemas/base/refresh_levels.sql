-- Trigger of levels, after a change: sets users.level of all users whose level the new list changes.
--
-- Concurrency: private.lock_levels holds awards until the transaction ends.
-- Locks: the users whose level changes (NO KEY UPDATE), by id.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.refresh_levels()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  with changed as (
    select u.id
      from public.users as u
     where u.level <> private.xp_level(u.total_xp)
     order by u.id
       for no key update
  )
  update public.users as u set level = private.xp_level(u.total_xp) from changed as c where u.id = c.id;
  return null;
end
$$;

revoke all on function private.refresh_levels from public, anon, authenticated, service_role;
comment on function private.refresh_levels is 'Sets the level of all users after a change of the list';
