-- Hidden course progress.

-- Finds a lesson if it is open to a user (private.lesson_states), also of a hidden course only to its staff, and locks the user
-- against erasure.
--
-- Concurrency: the user's lock makes an erasure wait or find everything that the caller stores.
-- Locks: user (KEY SHARE).
-- Returns: public.lessons, the row; null if there is no such lesson or user, or the lesson is not open to them.
-- Errors: none.
create or replace function private.open_lesson(p_user_id bigint, p_lesson_id bigint)
returns public.lessons
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_lesson public.lessons;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if found then
    select l.* into v_lesson
      from public.lessons as l
      join public.courses as c on c.id = l.course_id
      cross join lateral private.lesson_states(p_user_id, c, l.id) as s
     where l.id = p_lesson_id
       and s.state = 'open'
       and (c.is_published or (select a.is_staff from private.course_access(p_user_id, c) as a));
  end if;
  return v_lesson;
end
$$;

revoke all on function private.open_lesson from public, anon, authenticated, service_role;
comment on function private.open_lesson is 'A lesson that is open to a user';
