-- Records that a registered file of a course is uploaded.
--
-- Concurrency: repeated calls change nothing. If the row was deleted meanwhile, the object is in the queue of deletions.
-- Locks: file.
-- Returns: jsonb
--   stored: boolean      (false: it was deleted)
-- Errors: none.
create or replace function public.confirm_course_file(p_key text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.course_files as f set status = 'stored' where f.key = p_key;
  return jsonb_build_object('stored', found);
end
$$;

revoke all on function public.confirm_course_file from public, anon, authenticated, service_role;
grant execute on function public.confirm_course_file to bot_backend;
comment on function public.confirm_course_file is 'Records that a file of a course is uploaded';
