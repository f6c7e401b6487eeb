-- Changes the name, model or instructions of a conversation.
--
-- p_id: 0 of the main conversation of the session, for which a row is created. p_changes: name, model (a key of ai_modes),
-- instructions; null removes one.
--
-- Concurrency: of two changes of one value at once the last one counts; of the main conversation only one row is created.
-- Locks: user (KEY SHARE), conversation.
-- Returns: jsonb
--   outcome: 'updated' | 'none' | 'too_long'   (none: there is no such conversation in this session)
--   id?: bigint                 (updated)
--   most?: int                  (too_long: characters of instructions that the plan allows)
-- Errors: J0001 no such user; J0002 a value is invalid.
create or replace function public.update_conversation(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_id bigint, p_changes jsonb
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limits record;
  v_id bigint := nullif(p_id, 0);
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'no such user' using errcode = 'J0001';
  elsif length(p_changes ->> 'name') not between 1 and 60 or length(p_changes ->> 'instructions') = 0
    or length(p_changes ->> 'model') not between 1 and 32
  then
    raise exception 'a name, model or instructions are invalid' using errcode = 'J0002';
  end if;
  v_limits := private.conversation_limits(p_user_id);
  if length(p_changes ->> 'instructions') > v_limits.instructions_characters then
    return jsonb_build_object('outcome', 'too_long', 'most', v_limits.instructions_characters);
  end if;
  if v_id is null then
    insert into public.ai_conversations as c (user_id, bot, chat_id, thread_id, is_main)
    values (p_user_id, p_bot, p_chat_id, p_thread, true)
    on conflict (user_id, bot, chat_id, thread_id) where is_main do update set last_used_at = c.last_used_at
    returning c.id into v_id;
  end if;
  update public.ai_conversations as c
     set name = case when p_changes ? 'name' then p_changes ->> 'name' else c.name end,
         model = case when p_changes ? 'model' then p_changes ->> 'model' else c.model end,
         instructions = case when p_changes ? 'instructions' then p_changes ->> 'instructions' else c.instructions end
   where c.id = v_id and c.user_id = p_user_id and c.bot = p_bot and c.chat_id = p_chat_id and c.thread_id = p_thread;
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  return jsonb_build_object('outcome', 'updated', 'id', v_id);
end
$$;

revoke all on function public.update_conversation from public, anon, authenticated, service_role;
grant execute on function public.update_conversation to bot_backend;
comment on function public.update_conversation is 'Changes the name, model or instructions of a conversation';
