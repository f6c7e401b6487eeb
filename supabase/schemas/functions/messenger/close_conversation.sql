-- Closes a conversation; a message of the user opens it again. The user waits no longer and, with p_question, is asked how it was.
--
-- p_question: text by language; one question a day at most. p_ratings: labels of its five buttons, worst first.
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.close_conversation(p_actor_id bigint, p_conversation_id bigint, p_question jsonb default null, p_ratings jsonb default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
  v_now constant timestamptz := private.clock();
  v_asks boolean;
begin
  v_conversation := private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  if v_conversation.status = 'closed' then
    return private.conversation_row(v_conversation, p_actor_id);
  end if;
  v_asks := p_question is not null and v_conversation.unreachable is null
    and coalesce(v_conversation.rating_asked_at < v_now - interval '1 day', true);
  update public.conversations as c
     set status = 'closed', closed_at = v_now, snoozed_until = null, waiting_since = null,
         rating_asked_at = case when v_asks then v_now else c.rating_asked_at end
   where c.id = p_conversation_id;
  perform private.add_conversation_event(p_conversation_id, p_actor_id, 'closed');
  perform private.count_in_messenger(v_conversation.bot, p_actor_id, p_closed => 1);
  if v_asks then
    perform private.queue_notice(p_conversation_id, p_question, (
      select jsonb_agg(jsonb_build_array(jsonb_build_object('text', r.value, 'data', format('rate:%s:%s', p_conversation_id, r.place))))
        from jsonb_array_elements_text(p_ratings) with ordinality as r (value, place)
    ));
  end if;
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.close_conversation from public, anon, authenticated, service_role;
grant execute on function public.close_conversation to bot_backend;
comment on function public.close_conversation is 'Closes a conversation';
