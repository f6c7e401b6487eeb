-- Returns whether a user may start the free trial.
--
-- Concurrency: read-only. A caller that starts it locks the user's row first.
-- Locks: none.
-- Returns: text, available | already_used | paid_already (a plan is active, or the user bought one at any time) |
--   off.
-- Errors: none.
create or replace function private.trial_state(p_user public.users)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when private.setting('trial_days')::integer < 1 or not exists (
      select from public.subscription_limits as l
       where l.plan = private.setting('trial_plan') and l.vip_level > 0
    ) then 'off'
    when exists (
      select from public.subscriptions as s where s.user_id = p_user.id and s.source = 'purchase'
    ) then 'paid_already'
    when p_user.trial_used then 'already_used'
    when private.level_of(p_user.id) > 0 then 'paid_already'
    else 'available'
  end;
end
$$;

revoke all on function private.trial_state from public, anon, authenticated, service_role;
comment on function private.trial_state is 'Returns whether a user may start the free trial';
