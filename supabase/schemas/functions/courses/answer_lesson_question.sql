-- Stores the answer of a member of the staff to a learner's question about a lesson. The learner gets it in the chat and sees it
-- under the lesson; in the conversation with the team it is a message of the member, and does not keep the bot from answering.
--
-- Concurrency: the question is locked; of two answers the first counts.
-- Locks: users (KEY SHARE), by id, conversation, question.
-- Returns: jsonb
--   {
--     outcome: 'answered'
--       | 'known'          (answered before)
--     answer: text
--     outgoing: outgoing   (the message to the learner, sent once)
--   } | null               (no such question)
-- Errors: N0009 neither an author nor an operator; W0002 the answer is empty or longer than 3,000 characters.
create or replace function public.answer_lesson_question(p_actor_id bigint, p_question_id bigint, p_text text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_course_team(p_actor_id);
  v_answer constant text := btrim(p_text, E' \t\r\n');
  v_question public.lesson_questions;
  v_conversation public.conversations;
  v_user public.users;
  v_bot text;
  v_lesson public.lessons;
  v_outgoing jsonb;
begin
  if coalesce(length(v_answer), 0) not between 1 and 3000 then
    raise exception 'an answer has 1 to 3000 characters' using errcode = 'W0002';
  end if;
  select q.* into v_question from public.lesson_questions as q where q.id = p_question_id;
  perform from public.users as u where u.id in (p_actor_id, v_question.user_id) order by u.id for key share;
  select c.* into v_conversation
    from public.conversations as c
   where c.id = (select m.conversation_id from public.conversation_messages as m where m.id = v_question.question_message_id)
     for update;
  select q.* into v_question from public.lesson_questions as q where q.id = p_question_id for update;
  if not found then
    return null;
  elsif v_question.answered_at is not null then
    return jsonb_build_object('outcome', 'known', 'answer', v_question.answer, 'outgoing', '[]'::jsonb);
  end if;
  update public.lesson_questions as q
     set answer = v_answer, answered_by = p_actor_id, answered_at = private.clock()
   where q.id = p_question_id;
  select u.* into v_user
    from public.users as u
   where u.id = v_question.user_id and u.banned_at is null and u.is_active;
  v_bot := private.reachable_bot(v_user.id, v_user.telegram_id, v_conversation.bot);
  select l.* into v_lesson from public.lessons as l where l.id = v_question.lesson_id;
  v_outgoing := private.enqueue_user_message(
    v_user.id,
    v_bot,
    'lesson_answered',
    jsonb_build_object(
      'lesson', private.text_titles(v_lesson.texts),
      'question', left(v_question.text, 300) || case when length(v_question.text) > 300 then '…' else '' end,
      'answer', v_answer
    ),
    jsonb_build_array(jsonb_build_array(
      jsonb_build_object('key', 'lesson_open', 'data', format('lesson:%s:%s', v_lesson.course_id, v_lesson.id))
    ))
  );
  if v_conversation.id is not null then
    perform private.record_lesson_answer(
      v_conversation, v_question, p_actor_id, v_answer,
      case when v_bot = v_conversation.bot then (v_outgoing #>> '{0,id}')::bigint end
    );
  end if;
  perform private.write_audit(
    v_account, 'answer_lesson_question', v_question.user_id, null, '{}', jsonb_build_object('question', p_question_id)
  );
  return jsonb_build_object('outcome', 'answered', 'answer', v_answer, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.answer_lesson_question from public, anon, authenticated, service_role;
grant execute on function public.answer_lesson_question to bot_backend;
comment on function public.answer_lesson_question is 'Stores the answer to a learner''s question about a lesson';
