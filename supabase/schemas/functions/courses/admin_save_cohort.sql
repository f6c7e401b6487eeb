-- Creates or changes a cohort of a course in an admin's name. Its learners get their lessons by the new beginning from now on; what
-- they have opened stays open. p_is_new: only creates it.
--
-- Concurrency: the row is created or changed in one statement, so of two calls with p_is_new the second gets exists. The
--   ends of timed access follow at the next change of a grant.
-- Locks: cohort.
-- Returns: jsonb
--   { outcome: 'saved' | 'exists' | 'none', id?: bigint }   (exists: with p_is_new, nothing is changed; none: no such course)
-- Errors: N0001 neither an admin nor an author; W0003 a value is invalid.
create or replace function public.admin_save_cohort(
  p_slug text, p_key text, p_starts_at timestamptz, p_admin_email text, p_enrolls_until timestamptz default null,
  p_is_new boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_author(p_admin_email);
  v_before jsonb;
  v_cohort public.cohorts;
begin
  select to_jsonb(h) into v_before
    from public.cohorts as h
    join public.courses as c on c.id = h.course_id
   where c.slug = p_slug and h.key = p_key;
  insert into public.cohorts as h (course_id, key, starts_at, enrolls_until)
  select c.id, p_key, p_starts_at, p_enrolls_until from public.courses as c where c.slug = p_slug
  on conflict (course_id, key) do update set starts_at = excluded.starts_at, enrolls_until = excluded.enrolls_until
   where not p_is_new
  returning h.* into v_cohort;
  if v_cohort.id is null then
    return jsonb_build_object(
      'outcome', case when exists (select from public.courses as c where c.slug = p_slug) then 'exists' else 'none' end
    );
  end if;
  perform private.write_audit(
    v_email, 'save_cohort', null, null, coalesce(v_before, '{}'), to_jsonb(v_cohort) || jsonb_build_object('course', p_slug)
  );
  return jsonb_build_object('outcome', 'saved', 'id', v_cohort.id);
exception when check_violation or not_null_violation then
  raise exception 'a value of the cohort is invalid: %', sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function public.admin_save_cohort from public, anon, authenticated, service_role;
grant execute on function public.admin_save_cohort to bot_backend;
comment on function public.admin_save_cohort is 'Creates or changes a cohort in an admins name';
