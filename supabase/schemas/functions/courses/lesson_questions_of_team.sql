-- Lists learners' questions for those who answer them: what waits the oldest first, what is answered the newest first. p_after: the id
-- of the last one of the page before.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   waiting: bigint        (questions without an answer in all courses)
--   questions: [ {
--     id: bigint
--     name: text
--     username: text | null
--     course: text                             (slug)
--     lesson: text                             (slug)
--     titles: { [text]: text }                 (of the lesson)
--     text: text
--     created_at: timestamptz
--     answer: text | null
--     answered_at: timestamptz | null
--     author: text | null                      (name of the member who answered)
--     conversation_id: bigint | null           (of the messenger)
--   } ]
-- Errors: N0009 neither an author nor an operator.
create or replace function public.lesson_questions_of_team(
  p_actor_id bigint, p_is_answered boolean default false, p_after bigint default null, p_limit integer default 20
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_course_team(p_actor_id);
  return jsonb_build_object(
    'waiting', (select count(*) from public.lesson_questions as q where q.answered_at is null),
    'questions', (
      select coalesce(jsonb_agg(r.row order by r.place), '[]'::jsonb)
        from (
          select
            case when p_is_answered then -q.id else q.id end as place,
            jsonb_build_object(
              'id', q.id,
              'name', concat_ws(' ', u.first_name, u.last_name),
              'username', u.username,
              'course', c.slug,
              'lesson', l.slug,
              'titles', private.text_titles(l.texts),
              'text', q.text,
              'created_at', q.created_at,
              'answer', q.answer,
              'answered_at', q.answered_at,
              'author', (
                select concat_ws(' ', a.first_name, a.last_name) from public.users as a where a.id = q.answered_by
              ),
              'conversation_id', (
                select m.conversation_id from public.conversation_messages as m where m.id = q.question_message_id
              )
            ) as row
            from public.lesson_questions as q
            join public.users as u on u.id = q.user_id
            join public.lessons as l on l.id = q.lesson_id
            join public.courses as c on c.id = l.course_id
           where (q.answered_at is not null) = p_is_answered
             and case when p_is_answered then q.id < coalesce(p_after, q.id + 1) else q.id > coalesce(p_after, 0) end
           order by case when p_is_answered then -q.id else q.id end
           limit least(greatest(p_limit, 1), 100)
        ) as r
    )
  );
end
$$;

revoke all on function public.lesson_questions_of_team from public, anon, authenticated, service_role;
grant execute on function public.lesson_questions_of_team to bot_backend;
comment on function public.lesson_questions_of_team is 'Lists learners'' questions for those who answer them';
