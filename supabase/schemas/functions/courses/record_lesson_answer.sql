-- Writes the answer to a question about a lesson into the learner's conversation with the team. The question is read, and the
-- learner waits no longer where nothing else of theirs is unanswered.
--
-- p_outbox_id: the item that delivers the answer; null: it is delivered by another bot, or not at all.
--
-- Concurrency: the caller holds the conversation's row.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.record_lesson_answer(
  p_conversation public.conversations, p_question public.lesson_questions, p_actor_id bigint, p_answer text, p_outbox_id bigint
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_question public.conversation_messages;
  v_is_unread boolean;
begin
  select m.* into v_question from public.conversation_messages as m where m.id = p_question.question_message_id;
  update public.conversation_messages as m
     set read = true, version = p_conversation.last_version + 1
   where m.id = v_question.id and not m.read;
  v_is_unread := found;
  insert into public.conversation_messages (
    conversation_id, admin_id, body, direction, kind, source, seq, version, reply_to, media, read, status, outbox_id, created_at
  )
  values (
    p_conversation.id, p_actor_id, p_answer, 1, 'text', 'staff', p_conversation.last_seq + 1, p_conversation.last_version + 2,
    v_question.telegram_message_id, v_question.media, true,
    case when p_outbox_id is null then 'sent' else 'queued' end, p_outbox_id, v_now
  );
  update public.conversations as c
     set last_seq = c.last_seq + 1,
         last_version = c.last_version + 2,
         last_message_at = v_now,
         preview = private.message_preview('text', p_answer),
         unread_count = greatest(c.unread_count - v_is_unread::integer, 0),
         waiting_since = case
           when exists (
             select
               from public.conversation_messages as m
              where m.conversation_id = c.id and m.seq > v_question.seq and m.direction = 0 and m.kind <> 'event'
           ) then c.waiting_since
         end,
         changed_xid = pg_current_xact_id()
   where c.id = p_conversation.id;
end
$$;

revoke all on function private.record_lesson_answer from public, anon, authenticated, service_role;
comment on function private.record_lesson_answer is 'Writes the answer to a question about a lesson into the conversation';
