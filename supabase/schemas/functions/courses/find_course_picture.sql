-- Finds an uploaded picture of a course by the last part of its key, as texts of lessons name it. Anyone who knows the name, which
-- is random, may see it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { key: text, mime_type: text } | null
-- Errors: none.
create or replace function public.find_course_picture(p_slug text, p_name text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('key', f.key, 'mime_type', f.mime_type)
    from public.courses as c
    join public.course_files as f on f.course_id = c.id
   where c.slug = p_slug and f.kind = 'picture' and f.status = 'stored' and split_part(f.key, '/', 3) = p_name;
$$;

revoke all on function public.find_course_picture from public, anon, authenticated, service_role;
grant execute on function public.find_course_picture to bot_backend;
comment on function public.find_course_picture is 'Finds an uploaded picture of a course';
