-- Stores a learner's question about a lesson. A learner asks at most 20 in 24 hours. Where one of p_messenger_bots may write to the
-- learner, the question is a message of their conversation with the team, too.
--
-- p_messenger_bots: bots with the messenger, '*' for all; the first is preferred. p_message_id: the message in which the learner
-- typed the question; null: on a page.
--
-- Concurrency: the progress in the lesson is locked, so a form that is sent twice is one question.
-- Locks: user (KEY SHARE), progress in the lesson (FOR UPDATE), then as private.send_question_to_team.
-- Returns: jsonb
--   outcome: 'stored' | 'limited'
--     | 'no_access'          (the lesson is not open to the user)
-- Errors: W0002 the text is empty or longer than 4,000 characters, or the reference is empty.
create or replace function public.ask_lesson_question(
  p_user_id bigint, p_lesson_id bigint, p_text text, p_reference text, p_messenger_bots jsonb default '[]',
  p_message_id bigint default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_lesson public.lessons := private.open_lesson(p_user_id, p_lesson_id);
  v_question public.lesson_questions;
begin
  if v_lesson.id is null then
    return jsonb_build_object('outcome', 'no_access');
  end if;
  if coalesce(length(btrim(p_text)), 0) not between 1 and 4000 or coalesce(p_reference, '') = '' then
    raise exception 'no question' using errcode = 'W0002';
  end if;
  perform private.lock_progress(p_user_id, v_lesson);
  if exists (select from public.lesson_questions as q where q.user_id = p_user_id and q.reference = p_reference) then
    return jsonb_build_object('outcome', 'stored');
  end if;
  if (
    select count(*) >= 20
      from public.lesson_questions as q
     where q.user_id = p_user_id and q.created_at > private.clock() - interval '24 hours'
  ) then
    return jsonb_build_object('outcome', 'limited');
  end if;
  insert into public.lesson_questions (user_id, lesson_id, text, reference)
  values (p_user_id, p_lesson_id, btrim(p_text), p_reference)
  returning * into v_question;
  perform private.send_question_to_team(v_question, p_messenger_bots, p_message_id);
  return jsonb_build_object('outcome', 'stored');
end
$$;

revoke all on function public.ask_lesson_question from public, anon, authenticated, service_role;
grant execute on function public.ask_lesson_question to bot_backend;
comment on function public.ask_lesson_question is 'Stores a learners question about a lesson';
