-- Gives a cohort another key in an admin's name. Its learners and offers stay.
--
-- Concurrency: the key is unique in the course, so of two cohorts that get one key at once the second is refused.
-- Locks: cohort.
-- Returns: jsonb
--   { outcome: 'saved' | 'exists' | 'none' }   (exists: another cohort of the course has this key; none: no such cohort)
-- Errors: N0001 neither an admin nor an author; W0003 the key is invalid.
create or replace function public.admin_rename_cohort(p_slug text, p_key text, p_new_key text, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_author(p_admin_email);
  v_cohort_id bigint;
begin
  update public.cohorts as h
     set key = p_new_key
    from public.courses as c
   where c.slug = p_slug and h.course_id = c.id and h.key = p_key
  returning h.id into v_cohort_id;
  if v_cohort_id is null then
    return '{"outcome": "none"}'::jsonb;
  end if;
  if p_key <> p_new_key then
    perform private.write_audit(
      v_email, 'save_cohort', null, null,
      jsonb_build_object('id', v_cohort_id, 'key', p_key),
      jsonb_build_object('id', v_cohort_id, 'key', p_new_key, 'course', p_slug)
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

revoke all on function public.admin_rename_cohort from public, anon, authenticated, service_role;
grant execute on function public.admin_rename_cohort to bot_backend;
comment on function public.admin_rename_cohort is 'Gives a cohort another key in an admins name';
