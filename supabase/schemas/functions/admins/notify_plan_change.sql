-- Enqueues a message to a user whose plan an admin changed. p_before and p_after: see private.plan_of.
--
-- Concurrency: see private.notify_user.
-- Locks: none.
-- Returns: jsonb, see private.notify_user; empty where nothing changed.
-- Errors: none.
create or replace function private.notify_plan_change(p_user_id bigint, p_before jsonb, p_after jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_free boolean;
begin
  if p_before = p_after then
    return '[]'::jsonb;
  end if;
  select coalesce(max(l.vip_level), 0) = 0 into v_is_free
    from public.subscription_limits as l
   where l.plan = p_after ->> 'plan';
  return private.notify_user(
    p_user_id,
    case when v_is_free then 'gift_plan_ended' when p_after ->> 'ends_at' is null then 'gift_plan_endless' else 'gift_plan' end,
    jsonb_build_object(
      'plan', jsonb_build_object('plan', p_after -> 'plan'),
      'before', jsonb_build_object('plan', p_before -> 'plan'),
      'until', jsonb_build_object('date', p_after -> 'ends_at')
    )
  );
end
$$;

revoke all on function private.notify_plan_change from public, anon, authenticated, service_role;
comment on function private.notify_plan_change is 'Enqueues a message to a user whose plan an admin changed';
