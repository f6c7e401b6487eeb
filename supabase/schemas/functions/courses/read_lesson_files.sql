-- Returns what the files of a lesson need, where it is open to a user (private.lesson_states): also a hidden course only to its staff.
-- Unlike public.read_lesson it notes no visit: a player asks for one video in many parts. p_user_id null: a visitor.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     lesson_id: bigint
--     video: { adapter: 'storage' | 'youtube' | 'kinescope', reference: text } | null
--     files: [ { name: text, reference: text, size?: int } ]
--     homework: private.homework_state
--   } | null               (no such lesson, or not open)
-- Errors: none.
create or replace function public.read_lesson_files(p_user_id bigint, p_course_slug text, p_lesson_slug text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'lesson_id', l.id,
      'video', l.video,
      'files', l.files,
      'homework', private.homework_state(p_user_id, l, a.is_staff, a.tier)
    )
    from public.courses as c
    join public.lessons as l on l.course_id = c.id
    cross join lateral private.course_access(p_user_id, c) as a
    cross join lateral private.lesson_states(p_user_id, c, l.id) as s
   where c.slug = p_course_slug and l.slug = p_lesson_slug and s.state = 'open' and (c.is_published or a.is_staff);
$$;

revoke all on function public.read_lesson_files from public, anon, authenticated, service_role;
grant execute on function public.read_lesson_files to bot_backend;
comment on function public.read_lesson_files is 'The files of a lesson that is open to a user';
