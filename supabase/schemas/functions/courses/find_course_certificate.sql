-- Returns a course's certificate by its code. Everyone with the code may see it: it is unguessable and stands on the certificate. Of
-- a withdrawn one only the state is returned.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     state: 'valid' | 'withdrawn'             (withdrawn: without the other keys)
--     code?: text
--     name?: text
--     course?: text                            (slug)
--     titles?: { [text]: text }                (of the course, by language)
--     issued_at?: timestamptz
--     completed_at?: timestamptz | null
--   } | null               (no such certificate)
-- Errors: none.
create or replace function public.find_course_certificate(p_code text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select case
      when c.withdrawn_at is not null then '{"state": "withdrawn"}'
      else jsonb_build_object(
        'state', 'valid',
        'code', c.code,
        'name', c.name,
        'course', k.slug,
        'titles', private.text_titles(k.texts),
        'issued_at', c.issued_at,
        'completed_at', p.completed_at
      )
    end
    from public.course_certificates as c
    join public.courses as k on k.id = c.course_id
    left join public.course_progress as p on p.user_id = c.user_id and p.course_id = c.course_id
   where c.code = p_code;
$$;

revoke all on function public.find_course_certificate from public, anon, authenticated, service_role;
grant execute on function public.find_course_certificate to bot_backend;
comment on function public.find_course_certificate is 'Returns a courses certificate by its code';
