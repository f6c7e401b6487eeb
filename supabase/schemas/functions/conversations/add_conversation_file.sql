-- Adds the text of a document to a conversation.
--
-- p_id: 0 of the main conversation of the session, for which a row is created. p_reference: the update that asks for it.
--
-- Concurrency: the user's row is locked, so the limits of the plan hold; a known reference returns its file.
-- Locks: user (NO KEY UPDATE), conversation.
-- Returns: jsonb
--   outcome: 'added' | 'none' | 'files' | 'characters'   (none: there is no such conversation; else the limit that is reached)
--   conversation?: bigint       (added)
--   most?: int                  (files, characters)
--   left?: int                  (characters: what still fits)
-- Errors: J0001 no such user; J0002 the name or the text is empty, or the reference is another user's.
create or replace function public.add_conversation_file(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_id bigint, p_name text, p_content text, p_reference text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_known public.ai_conversation_files;
  v_limits record;
  v_id bigint := nullif(p_id, 0);
  v_files integer;
  v_characters bigint;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'J0001';
  elsif length(coalesce(p_name, '')) not between 1 and 80 or length(coalesce(p_content, '')) = 0 then
    raise exception 'the name or the text of a file is invalid' using errcode = 'J0002';
  end if;
  select f.* into v_known from public.ai_conversation_files as f where f.reference = p_reference;
  if found then
    if v_known.user_id <> p_user_id then
      raise exception 'the reference is another user''s' using errcode = 'J0002';
    end if;
    return jsonb_build_object('outcome', 'added', 'conversation', v_known.conversation_id);
  end if;
  if v_id is null then
    v_id := (public.update_conversation(p_user_id, p_bot, p_chat_id, p_thread, 0, '{}') ->> 'id')::bigint;
  end if;
  perform from public.ai_conversations as c
    where c.id = v_id and c.user_id = p_user_id and c.bot = p_bot and c.chat_id = p_chat_id and c.thread_id = p_thread
      for key share;
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  v_limits := private.conversation_limits(p_user_id);
  select count(*), coalesce(sum(length(f.content)), 0) into v_files, v_characters
    from public.ai_conversation_files as f
   where f.conversation_id = v_id;
  if v_files >= v_limits.files then
    return jsonb_build_object('outcome', 'files', 'most', v_limits.files);
  elsif v_characters + length(p_content) > v_limits.file_characters then
    return jsonb_build_object(
      'outcome', 'characters', 'most', v_limits.file_characters,
      'left', greatest(v_limits.file_characters - v_characters, 0)
    );
  end if;
  insert into public.ai_conversation_files (conversation_id, user_id, name, content, reference)
  values (v_id, p_user_id, p_name, p_content, p_reference);
  return jsonb_build_object('outcome', 'added', 'conversation', v_id);
end
$$;

revoke all on function public.add_conversation_file from public, anon, authenticated, service_role;
grant execute on function public.add_conversation_file to bot_backend;
comment on function public.add_conversation_file is 'Adds the text of a document to a conversation';
