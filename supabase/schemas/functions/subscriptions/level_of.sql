-- Tells the highest level of the plans that run for a person now, days of grace included: the one place that says what
-- runs.
--
-- Twice or at once: only reads. Whoever means to keep the level locks the person's row first.
-- Returns: a subscription_limits.vip_level; 0 without a plan.
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
comment on function private.level_of is 'The highest level of the plans that run for a person';
