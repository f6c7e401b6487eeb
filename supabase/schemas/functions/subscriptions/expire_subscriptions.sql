-- Expires subscriptions whose time is over, grace period included, of at most p_limit users.
--
-- Concurrency: users whose row another transaction has locked are skipped and found by the next sweep. The user is locked
--   before their subscriptions, as everywhere.
-- Locks: users by id (NO KEY UPDATE SKIP LOCKED), each followed by their subscriptions.
-- Returns: integer, the number of users with an expired subscription.
-- Errors: none.
create or replace function private.expire_subscriptions(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_user_id bigint;
  v_count integer := 0;
begin
  for v_user_id in
    select u.id
      from public.users as u
     where u.id in (
       select s.user_id
         from public.subscriptions as s
        where s.status = 'active'
          and s.ends_at <= v_now
          and private.effective_end(s.user_id, s.plan, s.source, s.ends_at) <= v_now
        order by s.ends_at
        limit p_limit
     )
     order by u.id
       for no key update skip locked
  loop
    update public.subscriptions as s
       set status = 'expired', ended_at = v_now
     where s.user_id = v_user_id
       and s.status = 'active'
       and s.ends_at <= v_now
       and private.effective_end(s.user_id, s.plan, s.source, s.ends_at) <= v_now;
    if found then  -- not found: a concurrent sweep expired them between the two statements
      perform private.refresh_access(v_user_id);
      -- A sequence that takes the user replaces the notice, unless that was sent already.
      update public.subscriptions as s
         set reminded = 'over ' || s.ends_at::text
       where s.user_id = v_user_id
         and s.ended_at = v_now
         and s.source in ('trial', 'purchase')
         and s.reminded is distinct from 'over ' || s.ends_at::text
         and private.enter_rule(v_user_id, private.end_event(s.source));
      v_count := v_count + 1;
    end if;
  end loop;
  return v_count;
end
$$;

revoke all on function private.expire_subscriptions from public, anon, authenticated, service_role;
comment on function private.expire_subscriptions is 'Expires subscriptions whose time is over';
