-- Applies the actions of a canned reply to a conversation, and counts its use. Its text is sent by send_conversation_message.
--
-- Concurrency: the conversation is locked; a repeated call counts its use again.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.use_canned_reply(p_actor_id bigint, p_conversation_id bigint, p_reply_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reply public.canned_replies;
begin
  perform private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  update public.canned_replies as r
     set used_count = r.used_count + 1
   where r.id = p_reply_id
  returning r.* into v_reply;
  insert into public.conversation_labels (conversation_id, label_id)
  select p_conversation_id, l.id from public.messenger_labels as l where l.id = any (v_reply.labels)
  on conflict (conversation_id, label_id) do nothing;
  if v_reply.takes_over then
    perform public.assign_conversation(p_actor_id, p_conversation_id, p_actor_id);
  end if;
  if v_reply.closes then
    perform public.close_conversation(p_actor_id, p_conversation_id);
  end if;
  perform private.touch_conversation(p_conversation_id);
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.use_canned_reply from public, anon, authenticated, service_role;
grant execute on function public.use_canned_reply to bot_backend;
comment on function public.use_canned_reply is 'Applies the actions of a canned reply to a conversation';
