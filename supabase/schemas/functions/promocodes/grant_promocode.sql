-- Grants what a promo code is for and stores the redemption. Months extend the user's plan from the end of what they have; a
-- discount is kept until the next one-time purchase (private.find_discount).
--
-- Concurrency: the caller has locked the code and checked that this user may redeem it; besides, (promocode_id, user_id) is the
--   primary key of redemptions.
-- Locks: user (NO KEY UPDATE; not for a discount), subscription or trainings; the code's row is locked by the caller.
-- Returns: jsonb
--   code: text             (the grant as shown to the user)
--   kind: 'month' | 'credits' | 'trainings' | 'percent'
--   value: int             (months, credits, trainings, or percent)
--   plan?: text
--   until?: timestamptz    (end of the plan or of the discount, if any)
-- Errors: Z0006 the reference was used with another code or user; it rolls the whole grant back.
create or replace function private.grant_promocode(p_promocode public.promocodes, p_user_id bigint, p_reference text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_until timestamptz;
  v_given jsonb;
begin
  case p_promocode.kind
    when 'month' then
      for v_month in 1..p_promocode.value loop
        perform private.extend_subscription(p_user_id, p_promocode.plan, 'promo', 'month', null);
      end loop;
      select max(s.ends_at) into v_until
        from public.subscriptions as s
       where s.user_id = p_user_id and s.plan = p_promocode.plan and s.source = 'promo' and s.status = 'active';
    when 'credits' then
      update public.users as u set bonus_credits = u.bonus_credits + p_promocode.value where u.id = p_user_id;
    when 'trainings' then
      perform private.give_trainings(p_user_id, 'promo', 'promocode:' || p_promocode.id, p_promocode.value);
    else  -- percent: applied to the next purchase
      v_until := p_promocode.valid_until;
  end case;
  v_given := jsonb_strip_nulls(
    jsonb_build_object(
      'code', p_promocode.code,
      'kind', p_promocode.kind,
      'value', p_promocode.value,
      'plan', p_promocode.plan,
      'until', v_until
    )
  );
  insert into public.promocode_usages (promocode_id, user_id, reference, given, percent, expires_at)
  values (
    p_promocode.id, p_user_id, p_reference, v_given,
    case p_promocode.kind when 'percent' then p_promocode.value end,
    case p_promocode.kind when 'percent' then p_promocode.valid_until end
  )
  on conflict (reference) do nothing;
  if not found then
    raise exception 'the reference was used with another code or user' using errcode = 'Z0006';
  end if;
  update public.promocodes as p set uses = p.uses + 1 where p.id = p_promocode.id;
  return v_given;
end
$$;

revoke all on function private.grant_promocode from public, anon, authenticated, service_role;
comment on function private.grant_promocode is 'Grants what a promo code is for';
