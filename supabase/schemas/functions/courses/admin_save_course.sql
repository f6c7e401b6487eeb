-- Creates or changes a course in an admin's name (private.write_course), and writes to the audit log which columns were changed.
--
-- Concurrency: see private.write_course.
-- Locks: as private.write_course.
-- Returns: jsonb
--   ...private.write_course
-- Errors: N0001 neither an admin nor an author; W0003 a value is invalid.
create or replace function public.admin_save_course(
  p_slug text, p_values jsonb, p_admin_email text, p_version integer default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_author(p_admin_email);
  v_saved constant jsonb := private.write_course(p_slug, p_values, p_version);
begin
  if v_saved ->> 'outcome' in ('created', 'saved') then
    perform private.write_audit(
      v_email, 'save_course', null, null, jsonb_build_object('version', p_version),
      jsonb_build_object(
        'course', p_slug, 'version', v_saved -> 'version',
        'columns', (select jsonb_agg(k.key order by k.key) from jsonb_object_keys(p_values) as k (key))
      )
    );
  end if;
  return v_saved;
end
$$;

revoke all on function public.admin_save_course from public, anon, authenticated, service_role;
grant execute on function public.admin_save_course to bot_backend;
comment on function public.admin_save_course is 'Creates or changes a course in an admin''s name';
