-- Trigger of users: sets is_admin and is_paid of a new user who is already in the table admins, and is_waiting of others while the
-- bots take no new users (setting access_mode).
--
-- Concurrency: changes only the row that is being stored.
-- Locks: none.
-- Returns: trigger, the row.
-- Errors: none.
create or replace function private.mark_new_admin()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  new.is_admin := exists (select from public.admins as a where a.telegram_id = new.telegram_id);
  new.is_paid := new.is_admin or new.is_paid;
  new.is_waiting := not new.is_admin and private.setting('access_mode') <> 'open';
  return new;
end
$$;

revoke all on function private.mark_new_admin from public, anon, authenticated, service_role;
comment on function private.mark_new_admin is 'Sets is_admin and is_paid of a new user who is an admin';
