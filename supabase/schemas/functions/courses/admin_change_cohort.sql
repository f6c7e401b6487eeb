-- Changes a cohort in an admin's name: its key and its dates at once. Its learners and offers stay; the dates act as by
-- public.admin_save_cohort.
--
-- Concurrency: the cohort is locked. The key is unique in the course, so of two cohorts that get one key at once the second is
--   refused. A cohort that got another key meanwhile is not created again.
-- Locks: cohort.
-- Returns: jsonb
--   { outcome: 'saved' | 'exists' | 'none' }   (exists: another cohort of the course has this key; none: no such cohort)
-- Errors: N0001 neither an admin nor an author; W0003 a value is invalid.
create or replace function public.admin_change_cohort(
  p_slug text, p_key text, p_new_key text, p_starts_at timestamptz, p_admin_email text, p_enrolls_until timestamptz default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_author(p_admin_email);
  v_before public.cohorts;
  v_cohort public.cohorts;
begin
  select h.* into v_before
    from public.cohorts as h
    join public.courses as c on c.id = h.course_id
   where c.slug = p_slug and h.key = p_key
     for no key update of h;
  if v_before.id is null then
    return '{"outcome": "none"}'::jsonb;
  end if;
  update public.cohorts as h
     set key = p_new_key, starts_at = p_starts_at, enrolls_until = p_enrolls_until
   where h.id = v_before.id
  returning h.* into v_cohort;
  if v_cohort is distinct from v_before then
    perform private.write_audit(
      v_email, 'save_cohort', null, null, to_jsonb(v_before), to_jsonb(v_cohort) || jsonb_build_object('course', p_slug)
    );
  end if;
  return '{"outcome": "saved"}'::jsonb;
exception
  when unique_violation then
    return '{"outcome": "exists"}'::jsonb;
  when check_violation or not_null_violation then
    raise exception 'a value of the cohort is invalid: %', sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function public.admin_change_cohort from public, anon, authenticated, service_role;
grant execute on function public.admin_change_cohort to bot_backend;
comment on function public.admin_change_cohort is 'Changes a cohort in an admins name';
