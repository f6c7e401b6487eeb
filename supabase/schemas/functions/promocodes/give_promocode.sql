-- Gives what a promo code is for, and keeps that it was given. A month is added to the end of what the person has.
--
-- Twice or at once: the caller holds the code and has seen that it may be redeemed; person and code are unique besides.
-- Returns: jsonb {code, kind, value, plan, until}, without what there is not: what the person is told they got.
-- Errors: Z0006, the reference is known of another code or person.
create or replace function private.give_promocode(p_promocode public.promocodes, p_user_id bigint, p_reference text)
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
    else  -- percent: waits for a purchase
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
    raise exception 'this reference is known of another code or person' using errcode = 'Z0006';
  end if;
  update public.promocodes as p set uses = p.uses + 1 where p.id = p_promocode.id;
  return v_given;
end
$$;

revoke all on function private.give_promocode from public, anon, authenticated, service_role;
comment on function private.give_promocode is 'Gives what a promo code is for';
