-- Returns what a user may see of a course: admins, authors among the staff and the author everything, others the highest tier that they have by an
-- enrollment or by their paid plan (courses.plan_tier).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: (is_staff, tier, expires_at), tier null: none; expires_at null: without an end.
-- Errors: none.
create or replace function private.course_access(
  p_user_id bigint, p_course public.courses, out is_staff boolean, out tier text, out expires_at timestamptz
)
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select
    coalesce((select u.is_admin or u.id = p_course.author_id
              or exists (select from public.staff as s where s.user_id = u.id and s.role = 'author') from public.users as u where u.id = p_user_id), false),
    t.tier,
    t.expires_at
    from (select) as one
    left join lateral (
      select a.tier, a.expires_at
        from (
          select e.tier, e.expires_at
            from public.enrollments as e
           where e.user_id = p_user_id
             and e.course_id = p_course.id
             and e.withdrawn_at is null
             and coalesce(e.expires_at > (select private.clock()), true)
          union all
          select p_course.plan_tier, null
            from public.users as u
           where u.id = p_user_id and u.is_paid and p_course.plan_tier is not null
        ) as a
       order by private.tier_rank(a.tier) desc, a.expires_at desc nulls first
       limit 1
    ) as t on true;
$$;

revoke all on function private.course_access from public, anon, authenticated, service_role;
comment on function private.course_access is 'What a user may see of a course';
