-- Creates a named conversation of a session. It does not become the current one: the caller sets the session's data.
--
-- p_name: null, to name it after its first question. p_reference: the update that asks for it.
--
-- Concurrency: the user's row is locked, so the limit of the plan holds; a known reference returns its conversation.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   outcome: 'created' | 'limit'
--   id?: bigint                 (created)
--   most?: int                  (limit)
-- Errors: J0001 no such user; J0002 the name is invalid, or the reference is another user's.
create or replace function public.create_conversation(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_name text, p_reference text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_known public.ai_conversations;
  v_limits record;
  v_count integer;
  v_id bigint;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'J0001';
  elsif length(p_name) not between 1 and 60 or p_reference is null then
    raise exception 'the name of a conversation has 1 to 60 characters' using errcode = 'J0002';
  end if;
  select c.* into v_known from public.ai_conversations as c where c.reference = p_reference;
  if found then
    if v_known.user_id <> p_user_id then
      raise exception 'the reference is another user''s' using errcode = 'J0002';
    end if;
    return jsonb_build_object('outcome', 'created', 'id', v_known.id);
  end if;
  v_limits := private.conversation_limits(p_user_id);
  select count(*) into v_count
    from public.ai_conversations as c
   where c.user_id = p_user_id and c.bot = p_bot and c.chat_id = p_chat_id and c.thread_id = p_thread and not c.is_main;
  if v_count >= v_limits.conversations then
    return jsonb_build_object('outcome', 'limit', 'most', v_limits.conversations);
  end if;
  insert into public.ai_conversations (user_id, bot, chat_id, thread_id, name, reference)
  values (p_user_id, p_bot, p_chat_id, p_thread, p_name, p_reference)
  returning id into v_id;
  return jsonb_build_object('outcome', 'created', 'id', v_id);
end
$$;

revoke all on function public.create_conversation from public, anon, authenticated, service_role;
grant execute on function public.create_conversation to bot_backend;
comment on function public.create_conversation is 'Creates a named conversation of a session';
