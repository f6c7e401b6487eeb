-- Creates the user of a Telegram account that no bot has had an update of yet, and locks the row. They are not counted as
-- active or new until their first update (private.upsert_user).
--
-- Twice or at once: two calls at once, or a first update at the same time, meet in the unique telegram_id and get the one row.
-- Locks: the user (NO KEY UPDATE).
-- Returns: the row.
-- Errors: L0001, no user of Telegram can have this id (they are positive and have at most 52 bits); 40001, the user was
--   erased this moment: the same call once more creates them.
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
  if p_telegram_id is null or p_telegram_id <= 0 or p_telegram_id >= (1::bigint << 52) then
    raise exception 'no user of Telegram can have this id' using errcode = 'L0001';
  end if;
  insert into public.users (telegram_id, has_started, active_on)
  values (p_telegram_id, false, date 'epoch')
  on conflict (telegram_id) do nothing;
  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id for no key update;
  if not found then
    raise exception 'the user was erased this moment' using errcode = '40001';
  end if;
  return v_user;
end
$$;

revoke all on function private.create_unseen_user from public, anon, authenticated, service_role;
comment on function private.create_unseen_user is 'Creates the user of a Telegram account that no bot has seen yet';
