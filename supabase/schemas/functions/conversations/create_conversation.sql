-- Creates a named conversation of a session, or returns the one that was created and never used: who asks twice for a new one
-- would otherwise fill the plan's limit with empty ones. It does not become the current one: the caller sets the session's data.
--
-- p_name: null, to name it after its first question. p_reference: the update that asks for it.
--
-- Concurrency: the user's row is locked, so the limit of the plan holds; a known reference returns its conversation. While a
--   question of the user is being answered, none is reused: the answer may belong to it.
-- Locks: user (NO KEY UPDATE), then the unused conversation, unless another transaction has it.
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
  if not exists (
    select from public.telegram_updates as t
     where t.user_id = p_user_id and t.status in ('working', 'failed') and t.reservation is not null
  ) then
    select c.id into v_id
      from public.ai_conversations as c
     where c.user_id = p_user_id and c.bot = p_bot and c.chat_id = p_chat_id and c.thread_id = p_thread
       and not c.is_main and c.name is null and c.model is null and c.instructions is null and c.summary is null
       and not exists (select from public.ai_conversation_files as f where f.conversation_id = c.id)
       and not exists (
         select from public.messages as m
          where m.user_id = p_user_id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
            and m.conversation_id = c.id
       )
     order by c.id desc
     limit 1
       for no key update skip locked;
  end if;
  if v_id is not null then
    update public.ai_conversations as c
       set name = p_name, reference = p_reference, last_used_at = private.clock()
     where c.id = v_id;
    return jsonb_build_object('outcome', 'created', 'id', v_id);
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
