-- Accepts a gift: extends the recipient's plan as a purchase does, and tells the buyer. The buyer cannot accept it.
--
-- Concurrency: the payment is locked, as by refunds: of two recipients one gets the gift, and a refund comes before it or after.
-- Locks: payment, recipient (NO KEY UPDATE), gift, the recipient's subscriptions of the plan.
-- Returns: jsonb
--   outcome: 'taken' | 'known' | 'own' | 'used' | 'expired' | 'revoked' | 'unknown'   (known: by this user, earlier)
--   texts?: product_texts               (taken, known, own)
--   plan?: text                         (taken)
--   until?: timestamptz                 (taken)
--   outgoing?: outgoing                 (taken: to deliver now)
-- Errors: M0003 no such user.
create or replace function public.take_gift(p_user_id bigint, p_token text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_payment public.payments;
  v_gift public.gifts;
  v_card jsonb;
  v_outcome text;
  v_subscription_id bigint;
  v_seconds numeric;
  v_until timestamptz;
begin
  select p.* into v_payment
    from public.payments as p
   where p.id = (select g.payment_id from public.gifts as g where g.token = p_token)
     for no key update;
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'there is no such user' using errcode = 'M0003';
  end if;
  select g.* into v_gift from public.gifts as g where g.payment_id = v_payment.id for no key update;
  if v_gift.payment_id is null then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  v_card := private.gift_card(v_gift);
  v_outcome := case
    when v_card ->> 'state' = 'revoked' then 'revoked'
    when v_gift.taken_by = p_user_id then 'known'
    when v_card ->> 'state' = 'taken' then 'used'
    when v_card ->> 'state' = 'expired' then 'expired'
    when v_gift.user_id = p_user_id then 'own'
    else 'taken'
  end;
  if v_outcome in ('known', 'own') then
    return jsonb_build_object('outcome', v_outcome, 'texts', v_card -> 'texts');
  elsif v_outcome <> 'taken' then
    return jsonb_build_object('outcome', v_outcome);
  end if;
  select e.subscription_id, e.seconds into v_subscription_id, v_seconds
    from private.extend_subscription(p_user_id, v_gift.plan, 'purchase', v_gift.period, null) as e;
  update public.subscriptions as s
     set monthly_amount = coalesce(s.monthly_amount, p.price),
         currency = case when s.monthly_amount is null and p.price is not null then v_payment.currency else s.currency end
    from private.monthly_price(v_payment, v_gift.period) as p (price)
   where s.id = v_subscription_id
  returning s.ends_at into v_until;
  update public.gifts as g
     set taken_by = p_user_id, taken_at = v_now, seconds = v_seconds, ends_at = v_until
   where g.payment_id = v_gift.payment_id;
  return jsonb_build_object(
    'outcome', 'taken',
    'texts', v_card -> 'texts',
    'plan', v_gift.plan,
    'until', v_until,
    'outgoing', private.enqueue_user_message(
      v_gift.user_id, v_gift.bot, 'gift_taken_notice',
      jsonb_build_object('title', private.product_titles(v_gift.product_key))
    )
  );
end
$$;

revoke all on function public.take_gift from public, anon, authenticated, service_role;
grant execute on function public.take_gift to bot_backend;
comment on function public.take_gift is 'Accepts a gift: extends the recipient''s plan';
