-- Returns whether a user may see a course: a published one everyone, a hidden one its staff. p_user_id null: a visitor.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   is_visible: boolean    (false also without such a course)
-- Errors: none.
create or replace function public.may_see_course(p_user_id bigint, p_slug text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('is_visible', coalesce(bool_or(c.is_published or a.is_staff), false))
    from public.courses as c
    cross join lateral private.course_access(p_user_id, c) as a
   where c.slug = p_slug;
$$;

revoke all on function public.may_see_course from public, anon, authenticated, service_role;
grant execute on function public.may_see_course to bot_backend;
comment on function public.may_see_course is 'Whether a user may see a course';
