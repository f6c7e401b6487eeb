-- Removes time of a plan from a user, at most what is left of it. Subscriptions of other sources that follow it end earlier by
-- as much.
--
-- Concurrency: the user's row is locked. Every call shortens; the caller calls once per event.
-- Locks: user (NO KEY UPDATE), then the user's subscriptions of the plan.
-- Returns: numeric, the seconds that were removed.
-- Errors: none.
create or replace function private.shorten_subscription(
  p_user_id bigint, p_plan text, p_source text, p_seconds numeric
)
returns numeric
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_running public.subscriptions;
  v_end timestamptz;
  v_seconds numeric;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  select s.* into v_running
    from public.subscriptions as s
   where s.user_id = p_user_id and s.plan = p_plan and s.source = p_source
     and s.status = 'active' and s.ends_at > v_now
   order by s.ends_at desc
   limit 1
     for update;
  if not found then
    return 0;
  end if;
  v_seconds := least(p_seconds, extract(epoch from v_running.ends_at - v_now));
  -- Subscriptions of several sources follow each other (private.extend_subscription): the last one ends earlier now.
  select max(s.ends_at) - make_interval(secs => v_seconds::double precision) into v_end
    from public.subscriptions as s
   where s.user_id = p_user_id and s.plan = p_plan and s.source <> 'admin' and s.status = 'active';
  update public.subscriptions as s
     set ends_at = greatest(
           s.ends_at - make_interval(secs => v_seconds::double precision), s.starts_at + interval '1 second'
         ),
         status = case when v_seconds < p_seconds or s.ends_at - v_now <= make_interval(secs => v_seconds::double precision)
           then 'canceled' else s.status end,
         ended_at = case when v_seconds < p_seconds or s.ends_at - v_now <= make_interval(secs => v_seconds::double precision)
           then v_now end
   where s.id = v_running.id;
  update public.subscriptions as s
     set ends_at = greatest(v_end, s.starts_at + interval '1 second')
   where s.user_id = p_user_id and s.plan = p_plan and s.source <> 'admin'
     and s.id <> v_running.id and s.status = 'active' and s.ends_at > v_end;
  perform private.refresh_access(p_user_id);
  return v_seconds;
end
$$;

revoke all on function private.shorten_subscription from public, anon, authenticated, service_role;
comment on function private.shorten_subscription is 'Removes time of a plan from a user';
