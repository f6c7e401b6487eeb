-- Returns the highest level of a user's current plans, grace period included. This function alone defines which plans are
-- current.
--
-- Concurrency: read-only. A caller that stores the level locks the user first.
-- Locks: none.
-- Returns: integer, a subscription_limits.vip_level; 0 without a plan.
-- Errors: none.
create or replace function private.level_of(p_user_id bigint)
returns integer
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(max(l.vip_level), 0)
    from public.subscriptions as s
    join public.subscription_limits as l on l.plan = s.plan
   where s.user_id = p_user_id
     and s.status = 'active'
     and coalesce(private.effective_end(s.user_id, s.plan, s.source, s.ends_at), 'infinity') > (select private.clock());
$$;

revoke all on function private.level_of from public, anon, authenticated, service_role;
comment on function private.level_of is 'Returns the highest level of a user''s current plans';
