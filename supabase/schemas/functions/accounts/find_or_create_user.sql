-- Finds the user of a Telegram account and locks the row; creates a user whom no bot has seen yet.
--
-- Concurrency: as private.create_unseen_user.
-- Locks: user (NO KEY UPDATE).
-- Returns: public.users, the row.
-- Errors: L0001 and 40001, as private.create_unseen_user.
create or replace function private.find_or_create_user(p_telegram_id bigint)
returns public.users
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
begin
  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id for no key update;
  if not found then
    v_user := private.create_unseen_user(p_telegram_id);
  end if;
  return v_user;
end
$$;

revoke all on function private.find_or_create_user from public, anon, authenticated, service_role;
comment on function private.find_or_create_user is 'Finds the user of a Telegram account, or creates it, and locks the row';
