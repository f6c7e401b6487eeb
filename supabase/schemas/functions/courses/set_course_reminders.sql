-- Switches the reminders that an idle learner of a course gets on or off.
--
-- Concurrency: a repeated call changes nothing. The user's lock makes an erasure wait or find the row.
-- Locks: user (KEY SHARE), progress in the course.
-- Returns: jsonb
--   is_known: boolean      (false: no such user or course)
-- Errors: none.
create or replace function public.set_course_reminders(p_user_id bigint, p_course_id bigint, p_wants boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found or not exists (select from public.courses as c where c.id = p_course_id) then
    return '{"is_known": false}'::jsonb;
  end if;
  insert into public.course_progress (user_id, course_id, wants_reminders)
  values (p_user_id, p_course_id, p_wants)
  on conflict (user_id, course_id) do update set wants_reminders = excluded.wants_reminders;
  return '{"is_known": true}'::jsonb;
end
$$;

revoke all on function public.set_course_reminders from public, anon, authenticated, service_role;
grant execute on function public.set_course_reminders to bot_backend;
comment on function public.set_course_reminders is 'Switches reminders of a course on or off';
