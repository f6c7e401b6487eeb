-- Returns a lesson as a user sees it: all of it if it is open to them (private.lesson_states), else what the list of the course
-- shows. An open lesson is noted as the one where the user is, and completed if opening it is its rule.
--
-- Concurrency: see private.lock_progress and private.settle_lesson.
-- Locks: user (KEY SHARE), progress in the lesson (FOR UPDATE), then as private.settle_lesson.
-- Returns: jsonb
--   {
--     course: { id: bigint, slug: text, titles: { [text]: text }, tier: 'basic' | 'accelerator' | 'vip' | null }
--     lesson: private.lesson_card
--     number: int                              (its place among the lessons that the user sees, from 1)
--     of: int                                  (how many these are)
--     previous: text | null                    (slug of the lesson before it)
--     content: {
--       texts: { [text]: { title: text, body?: text } }
--       video: { adapter: 'storage' | 'youtube' | 'kinescope', reference: text } | null
--       files: [ { name: text, reference: text, size?: int } ]
--       quiz: private.quiz_state
--       homework: private.homework_state
--     } | null             (null: not open)
--     progress: private.lesson_result | null   (null: not open, or a visitor)
--   } | null               (no such lesson)
-- Errors: none.
create or replace function public.read_lesson(p_user_id bigint, p_course_slug text, p_lesson_slug text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_course public.courses;
  v_access record;
  v_seen record;
  v_lesson public.lessons;
  v_progress public.lesson_progress;
  v_result jsonb;
  v_place record;
begin
  select c.* into v_course from public.courses as c where c.slug = p_course_slug;
  select a.* into v_access from private.course_access(p_user_id, v_course) as a;
  select l.* into v_lesson from public.lessons as l where l.course_id = v_course.id and l.slug = p_lesson_slug;
  select s.state, s.opens_at into v_seen
    from private.lesson_states(p_user_id, v_course, v_lesson.id) as s
   where v_lesson.id is not null and (v_course.is_published or v_access.is_staff);
  if not found then
    return null;
  end if;
  perform from public.users as u where u.id = p_user_id for key share;
  if found and v_seen.state = 'open' then
    v_progress := private.lock_progress(p_user_id, v_lesson);
    v_result := private.lesson_result(p_user_id, v_lesson, private.settle_lesson(p_user_id, v_lesson, v_progress));
  end if;
  select p.* into v_progress
    from public.lesson_progress as p
   where p.user_id = p_user_id and p.lesson_id = v_lesson.id;
  select count(*) filter (where (l.position, l.id) <= (v_lesson.position, v_lesson.id)) as number, count(*) as total into v_place
    from public.lessons as l
   where l.course_id = v_course.id and (l.is_published or v_access.is_staff);
  return jsonb_build_object(
    'course', jsonb_build_object(
      'id', v_course.id, 'slug', v_course.slug, 'titles', private.text_titles(v_course.texts), 'tier', v_access.tier
    ),
    'lesson', private.lesson_card(v_lesson, v_progress, v_seen.state, v_seen.opens_at),
    'number', v_place.number,
    'of', v_place.total,
    'previous', (
      select l.slug
        from public.lessons as l
       where l.course_id = v_course.id
         and (l.position, l.id) < (v_lesson.position, v_lesson.id)
         and (l.is_published or v_access.is_staff)
       order by l.position desc, l.id desc
       limit 1
    ),
    'content', case when v_seen.state = 'open' then jsonb_build_object(
      'texts', v_lesson.texts,
      'video', v_lesson.video,
      'files', v_lesson.files,
      'quiz', private.quiz_state(p_user_id, v_lesson),
      'homework', private.homework_state(p_user_id, v_lesson, v_access.is_staff, v_access.tier)
    ) end,
    'progress', v_result
  );
end
$$;

revoke all on function public.read_lesson from public, anon, authenticated, service_role;
grant execute on function public.read_lesson to bot_backend;
comment on function public.read_lesson is 'A lesson as a user sees it';
