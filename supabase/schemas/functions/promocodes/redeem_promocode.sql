-- Gives a person what a promo code is for. A discount waits for their next purchase (private.discount_of).
--
-- Twice or at once: with the same reference it gives once, and a repetition is answered with what it gave then. A
--   person's attempts follow one another (promocode_tries is locked), and so do the people of one code (its row is
--   locked): each person once, never more than max_uses. Then the person is locked.
-- Returns: jsonb {outcome, …}. What gave nothing is an outcome, so that it counts as a try.
--   redeemed         with code, kind, value and, as far as there is one, plan, until (the plan's or discount's end)
--   already_used     with the same, and waits: whether it is a discount that is still there
--   unknown | expired | used_up
--   not_yet          with from
--   too_many_tries   the setting promocode_daily_tries; no code is looked at
-- Errors: Z0005, there is no such person; Z0006, the reference is known of another code or person.
create or replace function public.redeem_promocode(p_user_id bigint, p_code text, p_reference text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_is_again boolean;
  v_promocode public.promocodes;
  v_usage public.promocode_usages;
  v_outcome text;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'there is no such person' using errcode = 'Z0005';
  end if;
  v_is_again := private.begin_promocode_try(p_user_id, p_reference);
  if v_is_again is null then
    return jsonb_build_object('outcome', 'too_many_tries');
  end if;
  select p.* into v_promocode
    from public.promocodes as p
   where p.code = upper(trim(p_code))
     for no key update;
  select u.* into v_usage
    from public.promocode_usages as u
   where u.promocode_id = v_promocode.id and u.user_id = p_user_id;
  if v_usage.reference = p_reference then
    return v_usage.given || jsonb_build_object('outcome', 'redeemed');
  elsif v_usage.user_id is not null then
    return v_usage.given || jsonb_build_object(
      'outcome', 'already_used',
      'waits', v_usage.percent is not null
        and v_usage.consumed_at is null
        and coalesce(v_usage.expires_at > v_now, true)
    );
  end if;

  v_outcome := case
    when v_promocode.id is null then 'unknown'
    when not v_promocode.is_active or v_promocode.valid_until <= v_now then 'expired'
    when v_promocode.uses >= v_promocode.max_uses then 'used_up'
    when v_promocode.valid_from > v_now then 'not_yet'
  end;
  if v_outcome is not null then
    if not v_is_again then
      update public.promocode_tries as t
         set tries = t.tries + 1, last_reference = p_reference
       where t.user_id = p_user_id;
    end if;
    return jsonb_strip_nulls(
      jsonb_build_object(
        'outcome', v_outcome, 'from', case v_outcome when 'not_yet' then v_promocode.valid_from end
      )
    );
  end if;
  return private.give_promocode(v_promocode, p_user_id, p_reference) || jsonb_build_object('outcome', 'redeemed');
end
$$;

revoke all on function public.redeem_promocode from public, anon, authenticated, service_role;
grant execute on function public.redeem_promocode to bot_backend, service_role;
comment on function public.redeem_promocode is 'Gives a person what a promo code is for, once';
