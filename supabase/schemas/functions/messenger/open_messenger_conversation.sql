-- Finds the conversation of a user with a bot and locks it, or creates it.
--
-- Concurrency: two first messages at once meet in the unique key, and both get the one row.
-- Locks: user (KEY SHARE), then the conversation: always in this order, because an erasure locks the user first.
-- Returns: public.conversations, the row.
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function private.open_messenger_conversation(p_user_id bigint, p_bot text, p_connection text default '')
returns public.conversations
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'the user was erased at this moment' using errcode = '40001';
  end if;
  select c.* into v_conversation
    from public.conversations as c
   where c.user_id = p_user_id and c.bot = p_bot and c.connection = p_connection
     for update;
  if not found then
    -- In a chat with the owner's own account, the bot never answers.
    insert into public.conversations as c (user_id, bot, connection, handler)
    values (p_user_id, p_bot, p_connection, case p_connection when '' then 'bot' else 'human' end)
    on conflict (user_id, bot, connection) do update set connection = excluded.connection
    returning c.* into v_conversation;
  end if;
  return v_conversation;
end
$$;

revoke all on function private.open_messenger_conversation from public, anon, authenticated, service_role;
comment on function private.open_messenger_conversation is 'Finds or creates the conversation of a user with a bot';
