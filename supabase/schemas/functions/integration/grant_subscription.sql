-- Grants a user a plan for months or years, or bonus credits, in the name of a service, once per reference. The plan
-- extends what the user has of it. Purchases are granted by payments (private.grant_purchase), gifts of admins by
-- admin_set_plan.
--
-- Concurrency: the user's row is locked, and the reference is unique. A repeated reference grants nothing and returns
--   what was granted then, with the present state.
-- Locks: user (NO KEY UPDATE), then as private.extend_subscription.
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   kind: 'month' | 'year' | 'credits'
--   quantity: int
--   plan: text             (the user's plan now)
--   ends_at: timestamptz | null
--   credits: { granted: bigint, left: int }   (by services in all; bonus credits left from any source)
-- Errors: L0001 no Telegram user can have this id; S0001 the kind, quantity, plan or reference is invalid; S0002 the
--   reference was used with another user or grant; 40001 the user was erased at this moment (retry).
create or replace function public.grant_subscription(
  p_telegram_id bigint,
  p_kind text,
  p_reference text,
  p_quantity integer default 1,
  p_plan text default 'PREMIUM'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_grant public.service_grants;
  v_plan text := case when p_kind <> 'credits' then p_plan end;
  v_most integer := case p_kind when 'month' then 120 when 'year' then 10 else 1000000 end;
  v_applied boolean := false;
begin
  if coalesce(p_kind, '') not in ('month', 'year', 'credits') then
    raise exception 'the kind must be month, year or credits' using errcode = 'S0001';
  elsif coalesce(p_quantity, 0) not between 1 and v_most then
    raise exception 'the quantity must be between 1 and 120 months, 10 years or 1000000 credits' using errcode = 'S0001';
  elsif coalesce(p_reference, '') not like '_%:_%' or length(p_reference) > 200 then
    raise exception 'a reference of the form service:number is required' using errcode = 'S0001';
  elsif v_plan is not null and not exists (
    select from public.subscription_limits as l where l.plan = v_plan and l.vip_level > 0
  ) then
    raise exception 'no such paid plan' using errcode = 'S0001';
  end if;
  v_user := private.find_or_create_user(p_telegram_id);
  select g.* into v_grant from public.service_grants as g where g.reference = p_reference;
  if not found then
    begin
      insert into public.service_grants as g (user_id, kind, quantity, plan, reference)
      values (v_user.id, p_kind, p_quantity, v_plan, p_reference)
      returning g.* into v_grant;
      v_applied := true;
    exception when unique_violation then
      -- A concurrent call used the reference for another user.
      raise exception 'the reference was used with another user or grant' using errcode = 'S0002';
    end;
  elsif (v_grant.user_id, v_grant.kind, v_grant.quantity, v_grant.plan)
    is distinct from (v_user.id, p_kind, p_quantity, v_plan)
  then
    raise exception 'the reference was used with another user or grant' using errcode = 'S0002';
  end if;
  if v_applied and p_kind = 'credits' then
    update public.users as u set bonus_credits = u.bonus_credits + p_quantity where u.id = v_user.id
    returning u.* into v_user;
  elsif v_applied then
    for v_number in 1..p_quantity loop
      perform private.extend_subscription(v_user.id, v_plan, 'service', p_kind, null);
    end loop;
  end if;
  return private.plan_of(v_user.id) || jsonb_build_object(
    'applied', v_applied,
    'kind', v_grant.kind,
    'quantity', v_grant.quantity,
    'credits', jsonb_build_object(
      'granted', (
        select coalesce(sum(g.quantity), 0)
          from public.service_grants as g
         where g.user_id = v_user.id and g.kind = 'credits'
      ),
      'left', v_user.bonus_credits
    )
  );
end
$$;

revoke all on function public.grant_subscription from public, anon, authenticated, service_role;
grant execute on function public.grant_subscription to bot_backend, service_role;
comment on function public.grant_subscription is 'Grants a user a plan or bonus credits in the name of a service, once per reference';
