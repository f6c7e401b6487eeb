-- Reminds learners three days before their access to a course ends, once; at most p_limit. Left out: those who have the same or a
-- higher tier for longer, are banned or blocked the bot.
--
-- Concurrency: the enrollment is locked, skipped by other runs, and marked in the transaction that enqueues its message. Access
--   that is bought again is reminded of again.
-- Locks: enrollments (FOR UPDATE SKIP LOCKED), by expires_at.
-- Returns: jsonb
--   checked: int           (fewer than p_limit: none is left)
--   outgoing: outgoing
-- Errors: none.
create or replace function public.enqueue_course_endings(p_limit integer default 25)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_due record;
  v_checked integer := 0;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select e.id, e.user_id, e.expires_at, private.text_titles(c.texts) as titles,
           case when u.banned_at is null and u.is_active then private.reachable_bot(u.id, u.telegram_id, null) end as bot,
           exists (
             select
               from public.enrollments as f
              where f.user_id = e.user_id
                and f.course_id = e.course_id
                and f.withdrawn_at is null
                and f.id <> e.id
                and private.tier_rank(f.tier) >= private.tier_rank(e.tier)
                and coalesce(f.expires_at > e.expires_at, true)
           ) as is_covered
      from public.enrollments as e
      join public.courses as c on c.id = e.course_id
      join public.users as u on u.id = e.user_id
     where e.expires_at between v_now and v_now + interval '3 days'
       and e.withdrawn_at is null
       and e.reminded_at is null
     order by e.expires_at, e.id
     limit p_limit
       for update of e skip locked
  loop
    v_checked := v_checked + 1;
    update public.enrollments as e set reminded_at = v_now where e.id = v_due.id;
    if not v_due.is_covered then
      v_outgoing := v_outgoing || private.enqueue_user_message(
        v_due.user_id,
        v_due.bot,
        'course_ends',
        jsonb_build_object('title', v_due.titles, 'until', jsonb_build_object('date', v_due.expires_at))
      );
    end if;
  end loop;
  return jsonb_build_object('checked', v_checked, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.enqueue_course_endings from public, anon, authenticated, service_role;
grant execute on function public.enqueue_course_endings to bot_backend;
comment on function public.enqueue_course_endings is 'Reminds learners whose access to a course ends';
