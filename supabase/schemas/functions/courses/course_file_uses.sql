-- Returns where a file of a course is used: as the video or a file of a lesson, or by its name in a text.
--
-- Concurrency: read-only; a caller that deletes the file holds the course.
-- Locks: none.
-- Returns: text[], slugs of lessons; an empty slug stands for the course's own texts.
-- Errors: none.
create or replace function private.course_file_uses(p_file public.course_files)
returns text[]
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(u.slug order by u.position, u.slug), '{}')
    from (
      select '' as slug, -1::bigint as position
        from public.courses as c
       where c.id = p_file.course_id
         and strpos(c.texts::text || c.next_step::text, split_part(p_file.key, '/', 3)) > 0
      union all
      select l.slug, l.position::bigint
        from public.lessons as l
       where l.course_id = p_file.course_id
         and strpos(
           concat(l.texts, l.homework, l.video, l.files), split_part(p_file.key, '/', 3)
         ) > 0
    ) as u;
$$;

revoke all on function private.course_file_uses from public, anon, authenticated, service_role;
comment on function private.course_file_uses is 'Where a file of a course is used';
