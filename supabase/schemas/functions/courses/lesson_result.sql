-- Returns what a learner sees after a step in a lesson. p_settled: of private.settle_lesson.
--
-- Concurrency: read-only; the caller holds the progress.
-- Locks: none.
-- Returns: jsonb
--   position_seconds: int
--   watched_seconds: int
--   watched_percent: int | null                (null: the lesson has no duration)
--   time_spent_seconds: int
--   ...private.settle_lesson
--   next: { slug: text, state: 'open' | 'scheduled' | 'upgrade' | 'no_access', opens_at: timestamptz | null } | null
--                                              (the next lesson; null: this is the last one)
-- Errors: none.
create or replace function private.lesson_result(p_user_id bigint, p_lesson public.lessons, p_settled jsonb)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_progress public.lesson_progress;
  v_next jsonb;
begin
  select p.* into v_progress
    from public.lesson_progress as p
   where p.user_id = p_user_id and p.lesson_id = p_lesson.id;
  select jsonb_build_object('slug', l.slug, 'state', s.state, 'opens_at', s.opens_at) into v_next
    from public.courses as c
    join public.lessons as l on l.course_id = c.id and (l.position, l.id) > (p_lesson.position, p_lesson.id)
    cross join lateral private.lesson_states(p_user_id, c, l.id) as s
   where c.id = p_lesson.course_id
   order by l.position, l.id
   limit 1;
  return jsonb_build_object(
    'position_seconds', coalesce(v_progress.position_seconds, 0),
    'watched_seconds', coalesce(v_progress.watched_seconds, 0),
    'watched_percent', case
      when p_lesson.duration_seconds is not null
        then least(coalesce(v_progress.watched_seconds, 0) * 100 / p_lesson.duration_seconds, 100)
    end,
    'time_spent_seconds', coalesce(v_progress.time_spent_seconds, 0),
    'next', v_next
  ) || p_settled;
end
$$;

revoke all on function private.lesson_result from public, anon, authenticated, service_role;
comment on function private.lesson_result is 'What a learner sees after a step in a lesson';
