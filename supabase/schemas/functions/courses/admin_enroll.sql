-- Gives a learner a tier of a course in an admin's name, for life or for some days. p_amount and p_currency: what the learner paid
-- outside, which lowers the price of an upgrade. The learner gets one message.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the first.
-- Locks: user (NO KEY UPDATE), then as private.grant_tier.
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   enrollment_id: bigint
--   expires_at: timestamptz | null
--   id: bigint             (the audit entry)
--   outgoing: outgoing     (the message to the learner, sent once)
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user or course; N0004 the course,
--   the cohort, the days, the amount or the reason is invalid.
create or replace function public.admin_enroll(
  p_user_id bigint,
  p_slug text,
  p_tier text,
  p_admin_email text,
  p_reference text default null,
  p_days integer default null,
  p_cohort_key text default null,
  p_amount numeric default 0,
  p_currency text default null,
  p_reason text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_reason constant text := nullif(trim(p_reason), '');
  v_course public.courses;
  v_grant public.enrollment_grants;
  v_user public.users;
  v_known public.audit_log;
  v_enrollment public.enrollments;
  v_id bigint;
begin
  select c.* into v_course from public.courses as c where c.slug = p_slug;
  select h.id into v_grant.cohort_id from public.cohorts as h where h.course_id = v_course.id and h.key = p_cohort_key;
  if v_course.id is null or private.tier_rank(p_tier) = 0 or p_days <= 0 or p_days > 36500
    or (p_cohort_key is not null and v_grant.cohort_id is null)
    or coalesce(p_amount, 0) < 0 or (p_amount > 0 and coalesce(p_currency, '') !~ '^[A-Z]{3,5}$')
    or length(v_reason) > 500
  then
    raise exception 'the enrollment is invalid' using errcode = 'N0004';
  end if;
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'enroll', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'course', v_known.after ->> 'tier') is distinct from (p_slug, p_tier) then
      raise exception 'the reference was used with another course' using errcode = 'N0003';
    end if;
    select e.* into v_enrollment from public.enrollments as e where e.id = (v_known.after ->> 'enrollment_id')::bigint;
    return jsonb_build_object(
      'applied', false, 'enrollment_id', v_enrollment.id, 'expires_at', v_enrollment.expires_at, 'id', v_known.id,
      'outgoing', '[]'::jsonb
    );
  end if;
  v_grant.source := 'manual';
  v_grant.access_days := p_days;
  v_grant.amount := coalesce(p_amount, 0);
  v_grant.currency := case when p_amount > 0 then p_currency end;
  v_enrollment.id := private.grant_tier(p_user_id, v_course.id, p_tier, v_grant);
  select e.* into v_enrollment from public.enrollments as e where e.id = v_enrollment.id;
  v_id := private.write_audit(
    v_email, 'enroll', p_user_id, p_reference, '{}',
    jsonb_strip_nulls(
      jsonb_build_object(
        'course', p_slug, 'tier', p_tier, 'enrollment_id', v_enrollment.id, 'days', p_days, 'cohort', p_cohort_key,
        'amount', nullif(v_grant.amount, 0), 'currency', v_grant.currency, 'reason', v_reason
      )
    )
  );
  return jsonb_build_object(
    'applied', true,
    'enrollment_id', v_enrollment.id,
    'expires_at', v_enrollment.expires_at,
    'id', v_id,
    'outgoing', private.enqueue_user_message(
      p_user_id,
      private.reachable_bot(v_user.id, v_user.telegram_id, null),
      'course_given',
      jsonb_build_object('title', private.text_titles(v_course.texts))
    )
  );
end
$$;

revoke all on function public.admin_enroll from public, anon, authenticated, service_role;
grant execute on function public.admin_enroll to bot_backend;
comment on function public.admin_enroll is 'Gives a learner a tier of a course in an admins name';
