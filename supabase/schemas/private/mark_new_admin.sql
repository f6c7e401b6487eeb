-- Marks a person who is an admin already when they first write to a bot.
--
-- Twice or at once: changes the row that is being stored, nothing else.
-- Returns: the row.
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
  return new;
end
$$;

revoke all on function private.mark_new_admin from public, anon, authenticated, service_role;
comment on function private.mark_new_admin is 'Marks a person who is an admin when they first write';
