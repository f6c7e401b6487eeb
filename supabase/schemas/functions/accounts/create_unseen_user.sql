-- Creates the user of a Telegram account that no bot has received an update of yet, and locks the row. The user
-- counts as new and active only with the first update (private.upsert_user).
--
-- Concurrency: two calls at once, or a first update at the same time, meet in the unique telegram_id and get the one
--   row.
-- Locks: user (NO KEY UPDATE).
-- Returns: public.users, the row.
-- Errors: L0001 no Telegram user can have this id; 40001 the user was erased in this moment: a repeated call creates a
--   new user.
create or replace function private.create_unseen_user(p_telegram_id bigint)
returns public.users
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
begin
  perform private.check_telegram_id(p_telegram_id);
  insert into public.users (telegram_id, has_started, active_on)
  values (p_telegram_id, false, date 'epoch')
  on conflict (telegram_id) do nothing;
  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id for no key update;
  if not found then
    raise exception 'the user was erased at this moment' using errcode = '40001';
  end if;
  return v_user;
end
$$;

revoke all on function private.create_unseen_user from public, anon, authenticated, service_role;
comment on function private.create_unseen_user is 'Creates the user of a Telegram account that no bot has seen yet';
