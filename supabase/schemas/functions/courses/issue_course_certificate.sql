-- Issues the certificate of a completed course, once, with the name as the learner typed it. Spaces and control characters become
-- single spaces, and characters that change the direction of others are left out. A later call returns the same certificate and ignores the name.
--
-- Concurrency: user and progress are locked in the order of an erasure; of calls at once one issues it.
-- Locks: user (NO KEY UPDATE), so that a refund at the same time comes before or after.
-- Returns: jsonb
--   outcome: 'issued' | 'known'
--     | 'not_completed'    (also without any access; without certificate)
--     | 'withdrawn'        (the course was refunded; without certificate)
--   certificate?: public.find_course_certificate
-- Errors: W0002 the name has no letter or digit, or more than 100 characters.
create or replace function public.issue_course_certificate(p_user_id bigint, p_slug text, p_name text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name constant text := btrim(
    regexp_replace(regexp_replace(p_name, '[\u202a-\u202e\u2066-\u2069]', '', 'g'), '[[:space:][:cntrl:]]+', ' ', 'g')
  );
  v_course public.courses;
  v_certificate public.course_certificates;
  v_is_new boolean;
begin
  if coalesce(length(v_name) > 100 or v_name !~ '[[:alnum:]]', true) then
    raise exception 'the name must have a letter or digit, and at most 100 characters' using errcode = 'W0002';
  end if;
  perform from public.users as u where u.id = p_user_id for no key update;
  select c.* into v_course
    from public.courses as c
    join public.course_progress as p on p.user_id = p_user_id and p.course_id = c.id
   where c.slug = p_slug
     and p.completed_at is not null
     and (
       (select a.tier is not null from private.course_access(p_user_id, c) as a)
       or exists (
         select
           from public.enrollments as e
          where e.user_id = p_user_id and e.course_id = c.id and e.withdrawn_at is null
       )
     );
  if not found then
    return jsonb_build_object('outcome', 'not_completed');
  end if;
  insert into public.course_certificates (user_id, course_id, name)
  values (p_user_id, v_course.id, v_name)
  on conflict (user_id, course_id) do nothing;
  v_is_new := found;
  select c.* into v_certificate
    from public.course_certificates as c
   where c.user_id = p_user_id and c.course_id = v_course.id;
  if v_certificate.withdrawn_at is not null then
    return jsonb_build_object('outcome', 'withdrawn');
  end if;
  return jsonb_build_object(
    'outcome', case when v_is_new then 'issued' else 'known' end,
    'certificate', public.find_course_certificate(v_certificate.code)
  );
end
$$;

revoke all on function public.issue_course_certificate from public, anon, authenticated, service_role;
grant execute on function public.issue_course_certificate to bot_backend;
comment on function public.issue_course_certificate is 'Issues the certificate of a completed course, once';
