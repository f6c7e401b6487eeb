-- Derives a learner's tiers of a course from their grants. Days of access follow each other; those of a cohort begin with it.
-- Without any tier left, by a grant or by a paid plan, the certificate is withdrawn; with one it is valid again.
--
-- Concurrency: the caller holds the user's row. Derived from enrollment_grants alone, so a repetition changes nothing.
-- Locks: user (held by the caller), the user's enrollments in the course, the certificate.
-- Returns: void
-- Errors: none.
create or replace function private.refresh_enrollments(p_user_id bigint, p_course_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_enrollment public.enrollments;
  v_grant public.enrollment_grants;
  v_newest public.enrollment_grants;
  v_begins_at timestamptz;
  v_ends_at timestamptz;
  v_enrolled_at timestamptz;
  v_is_for_life boolean;
begin
  for v_enrollment in
    select e.* from public.enrollments as e where e.user_id = p_user_id and e.course_id = p_course_id order by e.id
  loop
    v_newest := null;
    v_enrolled_at := null;
    v_ends_at := null;
    v_is_for_life := false;
    for v_grant in
      select g.*
        from public.enrollment_grants as g
       where g.enrollment_id = v_enrollment.id and private.is_live_grant(g)
       order by g.granted_at, g.id
    loop
      v_newest := v_grant;
      v_enrolled_at := coalesce(v_enrolled_at, v_grant.granted_at);
      select greatest(v_grant.granted_at, c.starts_at) into v_begins_at
        from (select) as one
        left join public.cohorts as c on c.id = v_grant.cohort_id;
      v_is_for_life := v_is_for_life or v_grant.access_days is null;
      v_ends_at := greatest(v_ends_at, v_begins_at) + make_interval(days => coalesce(v_grant.access_days, 0));
    end loop;
    if v_newest.id is null then
      update public.enrollments as e
         set withdrawn_at = v_now
       where e.id = v_enrollment.id and e.withdrawn_at is null;
    else
      update public.enrollments as e
         set source = v_newest.source,
             amount_paid = v_newest.amount,
             currency = v_newest.currency,
             payment_id = v_newest.payment_id,
             order_id = v_newest.order_id,
             cohort_id = v_newest.cohort_id,
             enrolled_at = v_enrolled_at,
             expires_at = case when not v_is_for_life then v_ends_at end,
             reminded_at = case when not v_is_for_life and e.expires_at = v_ends_at then e.reminded_at end,
             withdrawn_at = null
       where e.id = v_enrollment.id;
    end if;
  end loop;
  update public.course_certificates as c
     set withdrawn_at = case when r.is_left then null else coalesce(c.withdrawn_at, v_now) end
    from (
      select
        a.tier is not null or exists (
          select
            from public.enrollments as e
           where e.user_id = p_user_id and e.course_id = p_course_id and e.withdrawn_at is null
        ) as is_left
        from public.courses as k
        cross join lateral private.course_access(p_user_id, k) as a
       where k.id = p_course_id
    ) as r
   where c.user_id = p_user_id and c.course_id = p_course_id and (c.withdrawn_at is null) is distinct from r.is_left;
end
$$;

revoke all on function private.refresh_enrollments from public, anon, authenticated, service_role;
comment on function private.refresh_enrollments is 'Derives a learners tiers of a course from their grants';
