-- Tells learners which lessons opened since the last look at their enrollment (private.announce_lessons), at most p_limit learners:
-- first those with an enrollment, then those who began a course that their paid plan opens. Left out: lessons that the learner has
-- opened, learners who switched reminders off, are banned or blocked the bot, and enrollments beside one of a higher tier. Without
-- a plan a learner is looked at again after the next visit, and what opened before it is no news.
--
-- Concurrency: the enrollment or progress is locked, skipped by other runs, and moved ahead in the transaction that enqueues its
--   message.
-- Locks: enrollments, then progress in courses (FOR UPDATE SKIP LOCKED), by next_release_at.
-- Returns: jsonb
--   checked: int           (fewer than p_limit: none is left)
--   outgoing: outgoing
-- Errors: none.
create or replace function public.enqueue_lesson_releases(p_limit integer default 25)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_due record;
  v_done record;
  v_checked integer := 0;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select e.id, e.user_id, c as course, coalesce(e.releases_checked_at, e.enrolled_at) as seen_until,
           coalesce(p.wants_reminders, true) and not exists (
             select
               from public.enrollments as f
              where f.user_id = e.user_id
                and f.course_id = e.course_id
                and f.withdrawn_at is null
                and coalesce(f.expires_at > v_now, true)
                and private.tier_rank(f.tier) > private.tier_rank(e.tier)
           ) as is_wanted
      from public.enrollments as e
      join public.courses as c on c.id = e.course_id
      left join public.course_progress as p on p.user_id = e.user_id and p.course_id = e.course_id
     where e.next_release_at <= v_now and e.withdrawn_at is null
     order by e.next_release_at, e.id
     limit p_limit
       for update of e skip locked
  loop
    v_checked := v_checked + 1;
    select a.* into v_done from private.announce_lessons(v_due.user_id, v_due.course, v_due.seen_until, v_due.is_wanted) as a;
    update public.enrollments as e
       set releases_checked_at = coalesce(v_done.checked_at, e.releases_checked_at), next_release_at = v_done.next_at
     where e.id = v_due.id;
    v_outgoing := v_outgoing || v_done.outgoing;
  end loop;
  for v_due in
    select p.user_id, p.course_id, c as course, p.wants_reminders,
           coalesce(p.releases_checked_at, p.started_at) as seen_until,
           u.is_paid and c.plan_tier is not null and not exists (
             select
               from public.enrollments as e
              where e.user_id = p.user_id and e.course_id = p.course_id and e.withdrawn_at is null
           ) as is_by_plan
      from public.course_progress as p
      join public.courses as c on c.id = p.course_id
      join public.users as u on u.id = p.user_id
     where p.next_release_at <= v_now
     order by p.next_release_at, p.user_id
     limit p_limit - v_checked
       for update of p skip locked
  loop
    v_checked := v_checked + 1;
    if not v_due.is_by_plan then
      update public.course_progress as p
         set next_release_at = null
       where p.user_id = v_due.user_id and p.course_id = v_due.course_id;
      continue;
    end if;
    select a.* into v_done
      from private.announce_lessons(v_due.user_id, v_due.course, v_due.seen_until, v_due.wants_reminders) as a;
    update public.course_progress as p
       set releases_checked_at = coalesce(v_done.checked_at, p.releases_checked_at), next_release_at = v_done.next_at
     where p.user_id = v_due.user_id and p.course_id = v_due.course_id;
    v_outgoing := v_outgoing || v_done.outgoing;
  end loop;
  return jsonb_build_object('checked', v_checked, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.enqueue_lesson_releases from public, anon, authenticated, service_role;
grant execute on function public.enqueue_lesson_releases to bot_backend;
comment on function public.enqueue_lesson_releases is 'Tells learners which lessons opened';
