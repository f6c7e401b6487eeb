-- Redeems a promo code for a user. A discount applies to the next one-time purchase (private.find_discount). An attempt that
-- grants nothing is an outcome, not an error, so that it counts towards the daily limit.
--
-- Concurrency: a repeated call with the same reference grants nothing more and returns what the first one granted. The lock on
--   promocode_attempts serializes the attempts of one user, the lock on the code its redemptions: each user redeems it once,
--   and never more than max_uses users; of a batch each user redeems one code.
-- Locks: user (KEY SHARE), promocode_attempts, code (NO KEY UPDATE), then as private.grant_promocode.
-- Returns: jsonb
--   outcome: 'redeemed' | 'already_used' | 'unknown' | 'expired' | 'used_up' | 'not_yet'
--     | 'too_many_attempts'   (the setting promocode_daily_attempts is reached; the code is not looked up)
--   code?: text            (redeemed, already_used; as are kind, value, plan and until)
--   kind?: 'month' | 'credits' | 'trainings' | 'percent'
--   value?: int
--   plan?: text
--   until?: timestamptz    (end of the plan or discount)
--   is_unused?: boolean    (already_used: a discount that can still be used)
--   from?: timestamptz     (not_yet: start of its validity)
-- Errors: Z0005 no such user; Z0006 the reference was used with another code or user.
create or replace function public.redeem_promocode(p_user_id bigint, p_code text, p_reference text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_is_repeat boolean;
  v_promocode public.promocodes;
  v_usage public.promocode_usages;
  v_outcome text;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'no such user' using errcode = 'Z0005';
  end if;
  v_is_repeat := private.begin_promocode_attempt(p_user_id, p_reference);
  if v_is_repeat is null then
    return jsonb_build_object('outcome', 'too_many_attempts');
  end if;
  select p.* into v_promocode
    from public.promocodes as p
   where p.code = upper(trim(p_code))
     for no key update;
  select u.* into v_usage
    from public.promocode_usages as u
    join public.promocodes as p on p.id = u.promocode_id
   where u.user_id = p_user_id and (p.id = v_promocode.id or p.batch_id = v_promocode.batch_id)
   order by p.id = v_promocode.id desc
   limit 1;
  if v_usage.reference = p_reference then
    return v_usage.given || jsonb_build_object('outcome', 'redeemed');
  elsif v_usage.user_id is not null then
    return v_usage.given || jsonb_build_object(
      'outcome', 'already_used',
      'is_unused', v_usage.percent is not null
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
    if not v_is_repeat then
      update public.promocode_attempts as t
         set failed_attempts = t.failed_attempts + 1, last_reference = p_reference
       where t.user_id = p_user_id;
    end if;
    return jsonb_strip_nulls(
      jsonb_build_object(
        'outcome', v_outcome, 'from', case v_outcome when 'not_yet' then v_promocode.valid_from end
      )
    );
  end if;
  return private.grant_promocode(v_promocode, p_user_id, p_reference) || jsonb_build_object('outcome', 'redeemed');
end
$$;

revoke all on function public.redeem_promocode from public, anon, authenticated, service_role;
grant execute on function public.redeem_promocode to bot_backend, service_role;
comment on function public.redeem_promocode is 'Redeems a promo code for a user';
