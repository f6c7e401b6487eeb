-- Puts a learner's question into their conversation with the team. Its media holds {lesson_question: {id, course, lesson, titles}}:
-- number of the question, slugs, titles of the lesson by language.
--
-- p_bots and p_message_id: see public.ask_lesson_question.
--
-- Concurrency: the conversation is locked. The caller calls once per question.
-- Locks: as private.record_incoming_message.
-- Returns: void
-- Errors: as private.record_incoming_message.
create or replace function private.send_question_to_team(
  p_question public.lesson_questions, p_bots jsonb, p_message_id bigint
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_bot text;
  v_conversation public.conversations;
  v_media jsonb;
  v_message_id bigint;
begin
  select s.bot into v_bot
    from public.bot_sessions as s
    join public.users as u on u.id = s.user_id
   where s.user_id = p_question.user_id and s.chat_id = u.telegram_id and not s.is_blocked
     and p_bots ?| array[s.bot, '*']
   order by s.bot = p_bots ->> 0 desc, s.updated_at desc
   limit 1;
  if v_bot is null then
    return;
  end if;
  select jsonb_build_object(
      'lesson_question',
      jsonb_build_object(
        'id', p_question.id, 'course', c.slug, 'lesson', l.slug, 'titles', private.text_titles(l.texts)
      )
    )
    into v_media
    from public.lessons as l
    join public.courses as c on c.id = l.course_id
   where l.id = p_question.lesson_id;
  v_conversation := private.open_messenger_conversation(p_question.user_id, v_bot);
  update public.conversation_messages as m
     set media = v_media, version = v_conversation.last_version + 1
   where m.conversation_id = v_conversation.id and m.telegram_message_id = p_message_id and m.direction = 0
  returning m.id into v_message_id;
  if found then
    update public.conversations as c
       set last_version = c.last_version + 1, changed_xid = pg_current_xact_id()
     where c.id = v_conversation.id;
  else
    perform private.record_incoming_message(
      p_question.user_id, v_bot, jsonb_build_object('kind', 'text', 'body', p_question.text, 'media', v_media)
    );
    select m.id into v_message_id
      from public.conversation_messages as m
     where m.conversation_id = v_conversation.id
     order by m.seq desc
     limit 1;
  end if;
  update public.lesson_questions as q set question_message_id = v_message_id where q.id = p_question.id;
end
$$;

revoke all on function private.send_question_to_team from public, anon, authenticated, service_role;
comment on function private.send_question_to_team is 'Puts a learner''s question into their conversation with the team';
