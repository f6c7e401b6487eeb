-- Gives a conversation a label, or takes it away.
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.label_conversation(p_actor_id bigint, p_conversation_id bigint, p_label_id bigint, p_is_on boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  if p_is_on then
    insert into public.conversation_labels (conversation_id, label_id)
    select p_conversation_id, l.id from public.messenger_labels as l where l.id = p_label_id
    on conflict (conversation_id, label_id) do nothing;
  else
    delete from public.conversation_labels as k where k.conversation_id = p_conversation_id and k.label_id = p_label_id;
  end if;
  perform private.touch_conversation(p_conversation_id);
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.label_conversation from public, anon, authenticated, service_role;
grant execute on function public.label_conversation to bot_backend;
comment on function public.label_conversation is 'Gives a conversation a label, or takes it away';
