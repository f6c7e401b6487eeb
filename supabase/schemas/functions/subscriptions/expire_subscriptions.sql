-- Ends the subscriptions whose time is over, days of grace included, of p_limit people at most.
--
-- Twice or at once: people whose row somebody holds are skipped and found again by the next sweep; the row is
--   locked before their subscriptions, as everybody does.
-- Returns: of how many people.
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
    if found then  -- another sweep may have done it between the two statements
      perform private.refresh_access(v_user_id);
      v_count := v_count + 1;
    end if;
  end loop;
  return v_count;
end
$$;

revoke all on function private.expire_subscriptions from public, anon, authenticated, service_role;
comment on function private.expire_subscriptions is 'Ends the subscriptions whose time is over';
