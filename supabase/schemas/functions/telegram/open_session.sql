-- Finds the session of a user in a chat or topic, or creates it.
--
-- Concurrency: two first messages at once meet in the primary key, and both get the one row.
-- Locks: where the session is created, user (KEY SHARE), then the session.
-- Returns: public.bot_sessions, the row.
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function private.open_session(p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint)
returns public.bot_sessions
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_session public.bot_sessions;
begin
  select s.* into v_session
    from public.bot_sessions as s
   where s.user_id = p_user_id and s.bot = p_bot and s.chat_id = p_chat_id and s.thread_id = p_thread;
  if not found then
    perform from public.users as u where u.id = p_user_id for key share;
    if not found then
      raise exception 'the user was erased at this moment' using errcode = '40001';
    end if;
    insert into public.bot_sessions as s (user_id, bot, chat_id, thread_id)
    values (p_user_id, p_bot, p_chat_id, p_thread)
    on conflict (user_id, bot, chat_id, thread_id) do update set updated_at = s.updated_at
    returning s.* into v_session;
  end if;
  return v_session;
end
$$;

revoke all on function private.open_session from public, anon, authenticated, service_role;
comment on function private.open_session is 'Finds or creates the session of a user in a chat';
