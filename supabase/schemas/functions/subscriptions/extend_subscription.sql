-- Grants a user a plan for a period (p_period) or for a number of seconds (p_seconds), starting at the end of what they have of
-- the plan from any source, otherwise now. What admins grant runs in parallel to the rest. During the grace period the time
-- still starts at the old end: the days of grace are not free.
--
-- Concurrency: the user's row is locked, so two purchases are added one after the other. Every call extends; the caller calls
--   once per event.
-- Locks: user (NO KEY UPDATE), then the user's subscription of this plan and source.
-- Returns: (subscription_id, seconds), the subscription and the seconds that were added.
-- Errors: none.
create or replace function private.extend_subscription(
  p_user_id bigint,
  p_plan text,
  p_source text,
  p_period text,
  p_seconds numeric,
  out subscription_id bigint,
  out seconds numeric
)
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_running public.subscriptions;
  v_last public.subscriptions;
  v_start timestamptz;
  v_anchor_day smallint;
  v_end timestamptz;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  select s.* into v_running
    from public.subscriptions as s
   where s.user_id = p_user_id and s.plan = p_plan and s.source = p_source
     and s.status = 'active' and private.effective_end(s.user_id, s.plan, s.source, s.ends_at) > v_now
   order by s.ends_at desc
   limit 1
     for update;
  select s.* into v_last
    from public.subscriptions as s
   where s.user_id = p_user_id and s.plan = p_plan and s.source <> 'admin'
     and s.status = 'active' and private.effective_end(s.user_id, s.plan, s.source, s.ends_at) > v_now
   order by s.ends_at desc
   limit 1;
  v_start := coalesce(v_last.ends_at, v_now);
  v_anchor_day := private.anchor_day(v_start, v_last.anchor_day);
  v_end := case
    when p_period is null then v_start + make_interval(secs => p_seconds::double precision)
    else private.add_period(v_start, p_period, v_anchor_day)
  end;
  if v_running.id is not null then
    update public.subscriptions as s
       set ends_at = v_end, anchor_day = v_anchor_day
     where s.id = v_running.id;
    subscription_id := v_running.id;
  else
    update public.subscriptions as s  -- over, but not expired by the sweep yet
       set status = 'expired', ended_at = v_now
     where s.user_id = p_user_id and s.plan = p_plan and s.source = p_source and s.status = 'active';
    insert into public.subscriptions as s (user_id, plan, source, starts_at, ends_at, anchor_day)
    values (p_user_id, p_plan, p_source, v_now, v_end, v_anchor_day)
    returning s.id into subscription_id;
  end if;
  seconds := extract(epoch from v_end - v_start);
  perform private.refresh_access(p_user_id);
end
$$;

revoke all on function private.extend_subscription from public, anon, authenticated, service_role;
comment on function private.extend_subscription is 'Grants a user a plan for a period';
