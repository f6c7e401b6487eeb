-- Lists the uploaded files of a course for an admin, the newest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     id: bigint
--     kind: 'picture' | 'document' | 'video'
--     key: text
--     name: text
--     alt: text
--     size: bigint         (bytes)
--     created_at: timestamptz
--     used_in: [ text ]    (private.course_file_uses)
--   } ] | null             (no such course)
-- Errors: N0001 neither an admin nor an author.
create or replace function public.admin_list_course_files(p_slug text, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_author(p_admin_email);
  return (
    select coalesce(
        (
          select jsonb_agg(
              jsonb_build_object(
                'id', f.id, 'kind', f.kind, 'key', f.key, 'name', f.name, 'alt', f.alt, 'size', f.size_bytes,
                'created_at', f.created_at, 'used_in', to_jsonb(private.course_file_uses(f))
              )
              order by f.id desc
            )
            from public.course_files as f
           where f.course_id = c.id and f.status = 'stored'
        ),
        '[]'
      )
      from public.courses as c
     where c.slug = p_slug
  );
end
$$;

revoke all on function public.admin_list_course_files from public, anon, authenticated, service_role;
grant execute on function public.admin_list_course_files to bot_backend;
comment on function public.admin_list_course_files is 'Lists the uploaded files of a course for an admin';
