-- Returns a learner's own questions about a lesson, the newest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { text: text, created_at: timestamptz, answer: text | null, answered_at: timestamptz | null } ]
-- Errors: none.
create or replace function public.list_lesson_questions(p_user_id bigint, p_lesson_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'text', q.text, 'created_at', q.created_at, 'answer', q.answer, 'answered_at', q.answered_at
        )
        order by q.id desc
      ),
      '[]'::jsonb
    )
    from public.lesson_questions as q
   where q.user_id = p_user_id and q.lesson_id = p_lesson_id;
$$;

revoke all on function public.list_lesson_questions from public, anon, authenticated, service_role;
grant execute on function public.list_lesson_questions to bot_backend;
comment on function public.list_lesson_questions is 'A learners own questions about a lesson';
