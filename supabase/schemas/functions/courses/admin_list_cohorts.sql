-- Lists the cohorts of a course for an admin, by their beginning.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     key: text
--     starts_at: timestamptz
--     enrolls_until: timestamptz | null
--     learners: bigint     (with a tier that is not withdrawn)
--   } ] | null             (no such course)
-- Errors: N0001 neither an admin nor an author.
create or replace function public.admin_list_cohorts(p_slug text, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_author(p_admin_email);
  return (
    select coalesce(
        (
          select jsonb_agg(
              jsonb_build_object(
                'key', h.key,
                'starts_at', h.starts_at,
                'enrolls_until', h.enrolls_until,
                'learners', (
                  select count(distinct e.user_id)
                    from public.enrollments as e
                   where e.cohort_id = h.id and e.withdrawn_at is null
                )
              )
              order by h.starts_at, h.id
            )
            from public.cohorts as h
           where h.course_id = c.id
        ),
        '[]'
      )
      from public.courses as c
     where c.slug = p_slug
  );
end
$$;

revoke all on function public.admin_list_cohorts from public, anon, authenticated, service_role;
grant execute on function public.admin_list_cohorts to bot_backend;
comment on function public.admin_list_cohorts is 'Lists the cohorts of a course for an admin';
