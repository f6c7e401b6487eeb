-- Returns a course with its lessons as a user sees them, and completes it if its last required lesson was taken away meanwhile.
-- p_user_id null: a visitor.
--
-- Concurrency: see private.settle_course.
-- Locks: user (KEY SHARE), then as private.settle_course.
-- Returns: jsonb
--   {
--     ...private.course_card
--     all_lessons: [ private.lesson_card ]
--     next_step: { [text]: text }              (by language, once the course is completed)
--     next_product_key: text | null            (once the course is completed)
--   } | null               (no such course)
-- Errors: none.
create or replace function public.read_course(p_user_id bigint, p_slug text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_course public.courses;
  v_card jsonb;
  v_is_completed boolean;
begin
  select c.* into v_course
    from public.courses as c
    cross join lateral private.course_access(p_user_id, c) as a
   where c.slug = p_slug and (c.is_published or a.is_staff);
  if not found then
    return null;
  end if;
  perform from public.users as u where u.id = p_user_id for key share;
  perform private.settle_course(p_user_id, v_course);
  v_card := private.course_card(p_user_id, v_course);
  v_is_completed := v_card ->> 'completed_at' is not null;
  return v_card || jsonb_build_object(
    'all_lessons', (
      select coalesce(
          jsonb_agg(
            private.lesson_card(l, p, s.state, s.opens_at) order by s.place
          ),
          '[]'
        )
        from private.lesson_states(p_user_id, v_course) as s
        join public.lessons as l on l.id = s.lesson_id
        left join public.lesson_progress as p on p.user_id = p_user_id and p.lesson_id = l.id
    ),
    'next_step', case when v_is_completed then v_course.next_step else '{}' end,
    'next_product_key', case when v_is_completed then v_course.next_product_key end
  );
end
$$;

revoke all on function public.read_course from public, anon, authenticated, service_role;
grant execute on function public.read_course to bot_backend;
comment on function public.read_course is 'A course with its lessons as a user sees them';
