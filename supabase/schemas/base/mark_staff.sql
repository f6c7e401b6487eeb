-- Trigger of staff: keeps users.is_admin and the columns derived from it (private.refresh_access) equal to the tables admins and
-- staff, and ends the user's sessions when a role comes, changes or goes, so that no session outlives the rights it was opened with.
--
-- Concurrency: derives the columns from the current rows, so a repetition changes nothing. A session that is opened at the same
--   time waits for the user's row (private.open_user_session) where the caller holds it.
-- Locks: the user (NO KEY UPDATE), sessions of the user.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.mark_staff()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id constant bigint := case when tg_op = 'DELETE' then old.user_id else new.user_id end;
begin
  if tg_op = 'UPDATE' and old.role = new.role then
    return null;
  end if;
  update public.users as u
     set is_admin = not u.is_admin
   where u.id = v_user_id
     and u.is_admin <> (
       exists (select from public.admins as a where a.telegram_id = u.telegram_id)
       or exists (select from public.staff as s where s.user_id = u.id and s.role = 'admin')
     );
  if found then
    perform private.refresh_access(v_user_id);
  end if;
  delete from public.user_sessions as s where s.user_id = v_user_id;
  return null;
end
$$;

revoke all on function private.mark_staff from public, anon, authenticated, service_role;
comment on function private.mark_staff is 'Keeps users.is_admin equal to the roles of staff, and ends sessions when a role changes';
