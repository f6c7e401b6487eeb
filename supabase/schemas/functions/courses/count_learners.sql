-- Returns how many learners are or were enrolled in a course, without those whose enrollments were all withdrawn.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: bigint
-- Errors: none.
create or replace function private.count_learners(p_course_id bigint)
returns bigint
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select count(distinct e.user_id)
    from public.enrollments as e
   where e.course_id = p_course_id and e.withdrawn_at is null;
$$;

revoke all on function private.count_learners from public, anon, authenticated, service_role;
comment on function private.count_learners is 'How many learners a course has';
