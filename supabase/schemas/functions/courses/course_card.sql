-- Returns a course with a user's access and progress. p_user_id null: a visitor.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   slug: text
--   is_published: boolean
--   texts: { [text]: { title: text, summary?: text, description?: text } }   (by language)
--   learners: int | null                       (null: not shown)
--   is_staff: boolean                          (an admin or the author)
--   tier: 'basic' | 'accelerator' | 'vip' | null   (the highest that the user has; null: none)
--   expires_at: timestamptz | null             (end of access to that tier; null: without an end)
--   lessons: int                               (of the user's tier, of all tiers without one)
--   completed_lessons: int
--   percent: int                               (of the required lessons of that tier)
--   seconds: int                               (duration of the videos)
--   completed_at: timestamptz | null
--   continue_with: text | null                 (the lesson to go on with: where the user stopped, else the next open one)
--   wants_reminders: boolean
--   certificate: { code: text, name: text, issued_at: timestamptz } | null
-- Errors: none.
create or replace function private.course_card(p_user_id bigint, p_course public.courses)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_access record;
  v_progress public.course_progress;
  v_counts record;
  v_continue text;
begin
  select a.* into v_access from private.course_access(p_user_id, p_course) as a;
  select p.* into v_progress
    from public.course_progress as p
   where p.user_id = p_user_id and p.course_id = p_course.id;
  select
    count(*) as lessons,
    count(*) filter (where s.is_completed) as completed,
    count(*) filter (where s.is_required) as required,
    count(*) filter (where s.is_required and s.is_completed) as required_completed,
    coalesce(sum(l.duration_seconds), 0) as seconds
    into v_counts
    from private.lesson_states(p_user_id, p_course) as s
    join public.lessons as l on l.id = s.lesson_id
   where s.is_published and (v_access.tier is null or s.rank <= private.tier_rank(v_access.tier));
  if p_user_id is not null then
    select l.slug into v_continue
      from private.lesson_states(p_user_id, p_course) as s
      join public.lessons as l on l.id = s.lesson_id
      left join public.lessons as last on last.id = v_progress.last_lesson_id
     where s.state = 'open' and not s.is_completed
     -- The lesson that was open last, then those after it, then those before it.
     order by (l.position, l.id) < (last.position, last.id) is true, s.place
     limit 1;
  end if;
  return jsonb_build_object(
    'id', p_course.id,
    'slug', p_course.slug,
    'is_published', p_course.is_published,
    'texts', p_course.texts,
    'learners', case when p_course.shows_learner_count then private.count_learners(p_course.id) end,
    'is_staff', v_access.is_staff,
    'tier', v_access.tier,
    'expires_at', v_access.expires_at,
    'lessons', v_counts.lessons,
    'completed_lessons', v_counts.completed,
    'percent', case
      when v_progress.completed_at is not null then 100
      else coalesce(v_counts.required_completed * 100 / nullif(v_counts.required, 0), 0)
    end,
    'seconds', v_counts.seconds,
    'completed_at', v_progress.completed_at,
    'continue_with', v_continue,
    'wants_reminders', coalesce(v_progress.wants_reminders, true),
    'certificate', (
      select jsonb_build_object('code', c.code, 'name', c.name, 'issued_at', c.issued_at)
        from public.course_certificates as c
       where c.user_id = p_user_id and c.course_id = p_course.id and c.withdrawn_at is null
    )
  );
end
$$;

revoke all on function private.course_card from public, anon, authenticated, service_role;
comment on function private.course_card is 'A course with a users access and progress';
