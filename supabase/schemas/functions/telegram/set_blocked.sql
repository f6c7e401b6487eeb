-- Records whether a user blocks a bot. users.is_active is false while the user blocks every bot with which there is a private
-- chat, so that a message still goes out through another bot (private.reachable_bot).
--
-- Concurrency: the user's row is locked, so two bots that are blocked at once see each other's change.
-- Locks: user (NO KEY UPDATE), session, conversation of the messenger.
-- Returns: void
-- Errors: none.
create or replace function private.set_blocked(p_telegram_id bigint, p_bot text, p_is_blocked boolean)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id bigint;
begin
  select u.id into v_user_id from public.users as u where u.telegram_id = p_telegram_id for no key update;
  update public.bot_sessions as s
     set is_blocked = p_is_blocked
   where s.user_id = v_user_id and s.bot = p_bot and s.chat_id = p_telegram_id and s.is_blocked <> p_is_blocked;
  update public.users as u
     set is_active = not p_is_blocked or exists (
       select from public.bot_sessions as s
        where s.user_id = v_user_id and s.chat_id = p_telegram_id and s.bot <> p_bot and not s.is_blocked
     )
   where u.id = v_user_id;
  update public.conversations as c
     set unreachable = case when p_is_blocked then 'blocked' end, changed_xid = pg_current_xact_id()
   where c.user_id = v_user_id and c.bot = p_bot and c.connection = ''
     and c.unreachable is distinct from case when p_is_blocked then 'blocked' end;
end
$$;

revoke all on function private.set_blocked from public, anon, authenticated, service_role;
comment on function private.set_blocked is 'Records whether a user blocks a bot';
