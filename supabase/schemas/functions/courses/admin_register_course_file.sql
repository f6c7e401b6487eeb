-- Registers a file of a course before it is uploaded to Supabase Storage, in an admin's name, and returns its key. p_name identifies
-- the file: a repeated call returns the same key. Uploads of the course that were not completed within a day are removed.
--
-- Concurrency: the course is locked, as by a deletion, so two first files get one folder.
-- Locks: course, files.
-- Returns: jsonb
--   {
--     key: text
--     status: 'uploading'
--       | 'stored'                    (it is there already, from an earlier call)
--       | 'deleted'                   (it was deleted, and its object is still to be: another name is needed)
--   } | null                            (no such course)
-- Errors: N0001 neither an admin nor an author; W0003 a value is invalid.
create or replace function public.admin_register_course_file(
  p_slug text, p_kind text, p_title text, p_alt text, p_name uuid, p_extension text, p_mime_type text, p_size bigint,
  p_admin_email text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_author(p_admin_email);
  v_course_id bigint;
  v_folder text;
  v_key text;
  v_file public.course_files;
begin
  select c.id into v_course_id from public.courses as c where c.slug = p_slug for no key update;
  if not found then
    return null;
  end if;
  delete from public.course_files as f
   where f.course_id = v_course_id
     and f.status = 'uploading'
     and f.created_at <= private.clock() - interval '1 day';
  select split_part(f.key, '/', 2) into v_folder
    from public.course_files as f
   where f.course_id = v_course_id
   order by f.id desc
   limit 1;
  v_key := format('courses/%s/%s.%s', coalesce(v_folder, gen_random_uuid()::text), p_name, p_extension);
  if exists (select from private.storage_deletions as d where d.key = v_key) then
    return jsonb_build_object('key', v_key, 'status', 'deleted');
  end if;
  insert into public.course_files (course_id, kind, key, name, alt, mime_type, size_bytes)
  values (v_course_id, p_kind, v_key, p_title, coalesce(p_alt, ''), p_mime_type, p_size)
  on conflict (key) do nothing
  returning * into v_file;
  if v_file.id is not null then
    perform private.write_audit(
      v_email, 'add_course_file', null, null, '{}',
      jsonb_build_object('course', p_slug, 'key', v_key, 'name', p_title, 'kind', p_kind)
    );
  else
    select f.* into strict v_file from public.course_files as f where f.key = v_key;
  end if;
  return jsonb_build_object('key', v_file.key, 'status', v_file.status);
exception when check_violation or not_null_violation then
  raise exception 'a value of the file is invalid: %', sqlerrm using errcode = 'W0003';
end
$$;

revoke all on function public.admin_register_course_file from public, anon, authenticated, service_role;
grant execute on function public.admin_register_course_file to bot_backend;
comment on function public.admin_register_course_file is 'Registers a file of a course before it is uploaded';
