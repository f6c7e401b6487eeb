-- Records that a user reached a step of the funnel (answered, limited, checkout, paid) for the first time, and counts it within 30 days
-- of the user's start. Later calls, and those for users who have not started a bot, do nothing.
--
-- Concurrency: of two calls at once the second waits for the row and finds the step reached.
-- Locks: the user's row of user_milestones, then a row of daily_funnel.
-- Returns: void
-- Errors: none.
create or replace function private.count_milestone(p_user_id bigint, p_step text)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_started_on date;
  v_bot text;
begin
  update public.user_milestones as m
     set answered_on = case when p_step = 'answered' then v_today else m.answered_on end,
         limited_on = case when p_step = 'limited' then v_today else m.limited_on end,
         checkout_on = case when p_step = 'checkout' then v_today else m.checkout_on end,
         paid_on = case when p_step = 'paid' then v_today else m.paid_on end
   where m.user_id = p_user_id
     and case p_step
           when 'answered' then m.answered_on when 'limited' then m.limited_on when 'checkout' then m.checkout_on
           else m.paid_on
         end is null
  returning m.started_on, m.bot into v_started_on, v_bot;
  if found and v_today - v_started_on <= 30 then
    insert into public.daily_funnel as f (cohort_day, bot, step, shard, users)
    values (v_started_on, v_bot, p_step, p_user_id & 15, 1)
    on conflict (cohort_day, bot, step, shard) do update set users = f.users + 1;
  end if;
end
$$;

revoke all on function private.count_milestone from public, anon, authenticated, service_role;
comment on function private.count_milestone is 'Records that a user reached a step of the funnel';
