-- Trigger of admins: keeps users.is_admin and the columns derived from it (private.refresh_access) equal to the tables admins and
-- staff, for services that read users.
--
-- Concurrency: derives the columns from the current rows, so a repetition changes nothing.
-- Locks: the users of the old and the new telegram_id (NO KEY UPDATE).
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.mark_admin()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id bigint;
begin
  for v_user_id in
    update public.users as u
       set is_admin = exists (select from public.admins as a where a.telegram_id = u.telegram_id)
         or exists (select from public.staff as s where s.user_id = u.id and s.role = 'admin')
     where (tg_op <> 'INSERT' and u.telegram_id = old.telegram_id)
        or (tg_op <> 'DELETE' and u.telegram_id = new.telegram_id)
    returning u.id
  loop
    perform private.refresh_access(v_user_id);
  end loop;
  return null;
end
$$;

revoke all on function private.mark_admin from public, anon, authenticated, service_role;
comment on function private.mark_admin is 'Keeps users.is_admin equal to the tables admins and staff';
