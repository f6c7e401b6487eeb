-- Lists the learners of a course with their progress for an admin, those who were enrolled last first; also those whose
-- enrollments are withdrawn or over. p_cohort_key: only those with a tier in this cohort.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     total: bigint
--     page: int            (from 1)
--     pages: int
--     learners: [ private.learner_row ]
--   } | null               (no such course)
-- Errors: N0001 neither an admin nor an author.
create or replace function public.admin_list_learners(
  p_slug text, p_admin_email text, p_page integer default 1, p_size integer default 20,
  p_cohort_key text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_size constant integer := least(greatest(p_size, 1), 100);
  v_course public.courses;
  v_total bigint;
  v_pages integer;
  v_page integer;
  v_cohort_id bigint;
begin
  perform private.require_author(p_admin_email);
  select c.* into v_course from public.courses as c where c.slug = p_slug;
  if not found then
    return null;
  end if;
  select h.id into v_cohort_id from public.cohorts as h where h.course_id = v_course.id and h.key = p_cohort_key;
  select count(distinct e.user_id) into v_total
    from public.enrollments as e
   where e.course_id = v_course.id and (p_cohort_key is null or (e.cohort_id = v_cohort_id and e.withdrawn_at is null));
  v_pages := greatest(1, ceil(v_total / v_size::numeric));
  v_page := least(greatest(p_page, 1), v_pages);
  return jsonb_build_object(
    'total', v_total,
    'page', v_page,
    'pages', v_pages,
    'learners', (
      select coalesce(jsonb_agg(private.learner_row(o.user_id, v_course) order by o.last desc), '[]')
        from (
          select e.user_id, max(e.id) as last
            from public.enrollments as e
           where e.course_id = v_course.id
             and (p_cohort_key is null or (e.cohort_id = v_cohort_id and e.withdrawn_at is null))
           group by e.user_id
           order by max(e.id) desc
           limit v_size
          offset (v_page - 1) * v_size
        ) as o
    )
  );
end
$$;

revoke all on function public.admin_list_learners from public, anon, authenticated, service_role;
grant execute on function public.admin_list_learners to bot_backend;
comment on function public.admin_list_learners is 'Lists the learners of a course for an admin';
