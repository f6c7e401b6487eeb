-- Creates or changes a lesson in an admin's name (private.write_lesson), and writes to the audit log which columns were changed.
--
-- Concurrency: see private.write_lesson.
-- Locks: as private.write_lesson.
-- Returns: jsonb
--   ...private.write_lesson
-- Errors: N0001 neither an admin nor an author; W0003 a value is invalid.
create or replace function public.admin_save_lesson(
  p_course_slug text, p_slug text, p_values jsonb, p_admin_email text, p_version integer default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_author(p_admin_email);
  v_saved constant jsonb := private.write_lesson(p_course_slug, p_slug, p_values, p_version);
begin
  if v_saved ->> 'outcome' in ('created', 'saved') then
    perform private.write_audit(
      v_email, 'save_lesson', null, null, jsonb_build_object('version', p_version),
      jsonb_build_object(
        'course', p_course_slug, 'lesson', p_slug, 'version', v_saved -> 'version',
        'columns', (select jsonb_agg(k.key order by k.key) from jsonb_object_keys(p_values) as k (key))
      )
    );
  end if;
  return v_saved;
end
$$;

revoke all on function public.admin_save_lesson from public, anon, authenticated, service_role;
grant execute on function public.admin_save_lesson to bot_backend;
comment on function public.admin_save_lesson is 'Creates or changes a lesson in an admin''s name';
