-- Returns a course with its lessons, cohorts and offers for an editor, with the versions that saving asks for.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     course: jsonb        (all columns of courses)
--     lessons: [ jsonb ]   (all columns of lessons, in their order)
--     cohorts: [ jsonb ]   (all columns of cohorts, by their beginning)
--     offers: [ jsonb ]    (all columns of course_offers)
--   } | null               (no such course)
-- Errors: N0001 neither an admin nor an author.
create or replace function public.admin_get_course(p_slug text, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_author(p_admin_email);
  return (
    select jsonb_build_object(
        'course', to_jsonb(c),
        'lessons', (
          select coalesce(jsonb_agg(to_jsonb(l) order by l.position, l.id), '[]')
            from public.lessons as l
           where l.course_id = c.id
        ),
        'cohorts', (
          select coalesce(jsonb_agg(to_jsonb(h) order by h.starts_at, h.id), '[]')
            from public.cohorts as h
           where h.course_id = c.id
        ),
        'offers', (
          select coalesce(jsonb_agg(to_jsonb(f) order by private.tier_rank(f.tier), f.product_key), '[]')
            from public.course_offers as f
           where f.course_id = c.id
        )
      )
      from public.courses as c
     where c.slug = p_slug
  );
end
$$;

revoke all on function public.admin_get_course from public, anon, authenticated, service_role;
grant execute on function public.admin_get_course to bot_backend;
comment on function public.admin_get_course is 'A course with all its columns for an editor';
