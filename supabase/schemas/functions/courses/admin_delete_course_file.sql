-- Deletes an uploaded file of a course in an admin's name, unless it is used. Its object enters the queue of deletions.
--
-- Concurrency: all courses are locked, as one is by private.write_lesson: a lesson that begins to use the file at the same moment is
--   saved before, and then the file stays, or after it.
-- Locks: courses by id, file.
-- Returns: jsonb
--   { outcome: 'deleted' | 'used' | 'none' }   (none: the course has no such file)
-- Errors: N0001 neither an admin nor an author.
create or replace function public.admin_delete_course_file(p_slug text, p_file_id bigint, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_author(p_admin_email);
  v_course_id bigint;
  v_file public.course_files;
begin
  perform from public.courses as c order by c.id for no key update;
  select c.id into v_course_id from public.courses as c where c.slug = p_slug;
  select f.* into v_file from public.course_files as f where f.course_id = v_course_id and f.id = p_file_id for update;
  if not found then
    return '{"outcome": "none"}'::jsonb;
  elsif cardinality(private.course_file_uses(v_file)) > 0 then
    return '{"outcome": "used"}'::jsonb;
  end if;
  delete from public.course_files as f where f.id = v_file.id;
  perform private.write_audit(
    v_email, 'delete_course_file', null, null,
    jsonb_build_object('course', p_slug, 'key', v_file.key, 'name', v_file.name, 'kind', v_file.kind), '{}'
  );
  return '{"outcome": "deleted"}'::jsonb;
end
$$;

revoke all on function public.admin_delete_course_file from public, anon, authenticated, service_role;
grant execute on function public.admin_delete_course_file to bot_backend;
comment on function public.admin_delete_course_file is 'Deletes an uploaded file of a course in an admins name';
