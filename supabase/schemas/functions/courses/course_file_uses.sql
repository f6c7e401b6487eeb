-- Returns where a file of a course is used: as the video or a file of a lesson, also of another course, or by its name in a text.
--
-- Concurrency: read-only; a caller that deletes the file holds all courses.
-- Locks: none.
-- Returns: text[], slugs of lessons, in other courses as course/lesson; an empty slug stands for the course's own texts.
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
      union all
      select concat(c.slug, '/', l.slug), l.position::bigint
        from public.lessons as l
        join public.courses as c on c.id = l.course_id
       where l.course_id <> p_file.course_id
         and strpos(concat(l.video, l.files), p_file.key) > 0
    ) as u;
$$;

revoke all on function private.course_file_uses from public, anon, authenticated, service_role;
comment on function private.course_file_uses is 'Where a file of a course is used';
