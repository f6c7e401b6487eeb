-- Gifts.
--
-- squawk-ignore-file constraint-missing-not-valid, ban-drop-constraint

-- squawk-ignore ban-drop-function
drop function public.create_order(p_user_id bigint, p_product_key text, p_provider text, p_currency text, p_bot text, p_renews boolean, p_contact text, p_reference text, p_next_product_key text, p_message_id bigint, p_reuse boolean);

alter table public.orders add column is_gift boolean default false not null;

-- Gifts: plans that were bought for somebody else. Whoever opens the link first gets the plan; a refund takes it back.

create table public.gifts (
  payment_id bigint primary key references public.payments (id) on delete cascade,
  user_id bigint references public.users (id) on delete set null,
  bot text not null check (bot <> ''),
  product_key text not null references public.products (key) on update cascade,
  plan text not null,
  period text not null check (period in ('month', 'year')),
  token text not null unique default private.random_code(),
  taken_by bigint references public.users (id) on delete set null,
  taken_at timestamptz,
  seconds numeric not null default 0 check (seconds >= 0),
  seconds_revoked numeric not null default 0 check (seconds_revoked >= 0 and seconds_revoked <= seconds),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  created_at timestamptz not null default private.clock(),
  check (taken_by is null or taken_at is not null)
);

create index gifts_user_idx on public.gifts (user_id, payment_id);
create index gifts_taken_by_idx on public.gifts (taken_by);
create index gifts_product_idx on public.gifts (product_key);

comment on table public.gifts is 'Plans bought for another user, each accepted once by its link';
comment on column public.gifts.user_id is 'Buyer; null: erased, the link still works';
comment on column public.gifts.bot is 'Bot of the order, to which the link leads';
comment on column public.gifts.token is 'What the link holds';
comment on column public.gifts.seconds is 'Time that was added to the recipient''s plan';
comment on column public.gifts.seconds_revoked is 'Time that a refund took from the recipient again';
comment on column public.gifts.revoked_at is 'When a refund or dispute took the gift back; null: valid';
alter table public.gifts enable row level security;
revoke all on table public.gifts from public, anon, authenticated, service_role;

-- Creates the gift that an order was paid for. Its link can be used once, within gift_days.
--
-- Concurrency: the caller holds the payment and has checked that nothing was granted; besides, a payment has one gift.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.add_gift(p_payment public.payments)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  insert into public.gifts (payment_id, user_id, bot, product_key, plan, period, expires_at)
  select p_payment.id, p_payment.user_id, o.bot, o.product_key, o.plan, o.period,
         (select private.clock()) + make_interval(days => private.setting('gift_days')::integer)
    from public.orders as o
   where o.id = p_payment.order_id;
$$;

revoke all on function private.add_gift from public, anon, authenticated, service_role;
comment on function private.add_gift is 'Creates the gift that an order was paid for';

-- Reverses a part of a payment effect (p_amount below zero) or restores it (above zero). Nothing happens for an erased user,
-- except that a gift is taken back.
--
-- Concurrency: the caller holds the payment and the user. The ledger's reference contains the number of the adjustment; the
--   caller stores the new number.
-- Locks: user (NO KEY UPDATE, held by the caller), then the user's subscriptions of the plan, or enrollments in the course.
-- Returns: numeric, the quantity reversed: at most what the user had left; 0 for a restoration.
-- Errors: none.
create or replace function private.adjust_effect(
  p_payment public.payments, p_effect public.payment_effects, p_amount numeric
)
returns numeric
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_plan text;
  v_subscription_id bigint;
  v_reversed numeric := 0;
begin
  if p_effect.effect = 'gift' and p_amount <> 0 then
    perform private.switch_gift(p_payment.id, p_amount < 0);
    return greatest(-p_amount, 0);
  end if;
  select u.* into v_user from public.users as u where u.id = p_effect.user_id;
  if not found or p_amount = 0 then
    return 0;
  end if;
  case p_effect.effect
    when 'credits' then
      v_reversed := least(-p_amount, v_user.bonus_credits);
      update public.users as u
         set bonus_credits = u.bonus_credits - v_reversed::integer
       where u.id = v_user.id;
    when 'balance', 'commission' then
      v_reversed := least(-p_amount, v_user.balance);
      if v_reversed <> 0 then
        perform private.adjust_balance_for_payment(
          v_user.id, -v_reversed, 'refund', p_payment.id, p_effect.effect, p_effect.adjustments + 1
        );
      end if;
    when 'subscription' then
      select s.plan into v_plan from public.subscriptions as s where s.id = p_effect.subscription_id;
      if p_amount > 0 then
        select e.subscription_id into v_subscription_id
          from private.extend_subscription(v_user.id, v_plan, 'purchase', null, p_amount) as e;
        update public.subscriptions as s
           set monthly_amount = b.monthly_amount, currency = b.currency
          from public.subscriptions as b
         where s.id = v_subscription_id and s.monthly_amount is null and b.id = p_effect.subscription_id;
      else
        v_reversed := floor(private.shorten_subscription(v_user.id, v_plan, 'purchase', -p_amount));
      end if;
    when 'course' then
      perform private.switch_grant(p_payment.id, p_amount < 0);
      v_reversed := greatest(-p_amount, 0);
  end case;
  return greatest(v_reversed, 0);
end
$$;

revoke all on function private.adjust_effect from public, anon, authenticated, service_role;
comment on function private.adjust_effect is 'Reverses a part of a payment effect, or restores it';

-- Creates an order of one product at its current price, less the user's discount unless the order renews or tops up the
-- balance. From balance (provider balance, see public.pay_from_balance) everything except a top-up is sold, in balance_currency
-- and for one period. The order expires after order_hours, or with its discount if that is sooner.
--
-- p_reference: idempotency key. p_message_id: message whose button was tapped; if it invites to pay an order already (a double
-- tap, or an old screen), the same choice gets that order, and an order that is paid or under review is closed.
-- p_next_product_key: product for which a top-up is made, offered once it is paid. p_reuse: the same choice at the same price
-- gets the buyer's open order, whichever message or device it was chosen on, unless an attempt to pay it failed or it expires
-- within the hour. p_is_gift: the plan is for another user; not sold from balance or with auto-renewal.
--
-- Concurrency: a reference has one order, and every call with it gets that order. The user's lock makes an erasure run before
--   it or find the order. A discount is bound to one order at a time: its row is locked and the order that had it is withdrawn.
--   With p_reuse an advisory lock serializes the calls of one user, so that two devices get one order.
-- Locks: user (KEY SHARE), with p_reuse an advisory lock of the user's orders, discount, orders by id: the order in which
--   private.lock_payers locks, so that recording a payment at the same time cannot deadlock.
-- Returns: jsonb
--   outcome: 'created' | 'known'
--     | 'reused'           (an earlier call made it and it has a checkout, whose link may have run out since)
--     | 'closed'           (the message's order is paid or under review)
--     | 'not_for_sale'     (switched off, no price in this currency, or not sold from balance)
--   ...?private.order_details                    (created, known, reused)
--   ...?private.closed_checkout               (closed)
-- Errors: M0003 no such user.
create or replace function public.create_order(
  p_user_id bigint,
  p_product_key text,
  p_provider text,
  p_currency text,
  p_bot text,
  p_renews boolean default false,
  p_contact text default null,
  p_reference text default null,
  p_next_product_key text default null,
  p_message_id bigint default null,
  p_reuse boolean default false,
  p_is_gift boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_outcome text := 'known';
  v_invited public.orders;
  v_quote public.orders;
  v_closed jsonb;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'there is no such user' using errcode = 'M0003';
  end if;
  select o.* into v_order from public.orders as o where o.reference = p_reference and o.user_id = p_user_id;
  if v_order.id is null and p_message_id is not null then
    select o.* into v_invited
      from public.orders as o
     where o.user_id = p_user_id and o.bot = p_bot and p_message_id = any(o.message_ids)
     order by o.id desc
     limit 1;
    v_closed := private.closed_checkout(v_invited);
    if v_closed is not null then
      return v_closed;
    elsif v_invited.checkout_url is not null
      and private.checkout_state(v_invited) is null
      and 'failed' <> all(v_invited.notified)
      and (v_invited.product_key, v_invited.provider, v_invited.currency) = (p_product_key, p_provider, p_currency)
      and v_invited.renews = p_renews
      and v_invited.is_gift = p_is_gift
    then
      v_order := v_invited;
      v_outcome := 'reused';
    end if;
  end if;
  if v_order.id is not null then
    return private.order_details(v_order, v_outcome);
  end if;

  v_quote := private.quote_order(p_user_id, p_product_key, p_provider, p_currency, p_renews, p_reuse);
  if v_quote.product_key is null or (p_is_gift and (v_quote.kind <> 'subscription' or v_quote.renews or p_provider = 'balance')) then
    return jsonb_build_object('outcome', 'not_for_sale');
  end if;
  v_quote.bot := p_bot;
  v_quote.contact := p_contact;
  v_quote.is_gift := p_is_gift;
  v_quote.next_product_key := case when v_quote.kind = 'balance' then p_next_product_key end;
  if not v_quote.renews and v_quote.kind <> 'balance' then
    -- A concurrent call with this reference may have created the order while this one waited for the discount.
    select o.* into v_order from public.orders as o where o.reference = p_reference and o.user_id = p_user_id;
    if v_order.id is not null then
      return private.order_details(v_order, v_outcome);
    end if;
  end if;
  -- Another choice: the message will invite to pay the new order.
  update public.orders as o set message_ids = array_remove(o.message_ids, p_message_id) where o.id = v_invited.id;
  if p_reuse then
    v_order := private.find_reusable_order(v_quote);
    update public.orders as o
       set message_ids = array_append(array_remove(o.message_ids, p_message_id), p_message_id)
     where o.id = v_order.id and p_message_id is not null;
    if v_order.id is not null then
      return private.order_details(v_order, case when v_order.checkout_url is null then 'known' else 'reused' end);
    end if;
  end if;

  if v_quote.promocode_id is not null then
    perform private.withdraw_orders(p_user_id, v_quote.promocode_id, null);
  end if;
  insert into public.orders as o (
    user_id, product_key, provider, currency, amount, kind, plan, period, quantity, renews, contact, bot,
    reference, expires_at, full_amount, promocode_id, next_product_key, course_terms, is_gift
  )
  values (
    p_user_id, v_quote.product_key, p_provider, p_currency, v_quote.amount, v_quote.kind, v_quote.plan, v_quote.period,
    v_quote.quantity, v_quote.renews, p_contact, p_bot, p_reference, v_quote.expires_at, v_quote.full_amount,
    v_quote.promocode_id, v_quote.next_product_key, v_quote.course_terms, p_is_gift
  )
  on conflict (reference) do nothing
  returning o.* into v_order;
  if v_order.id is not null then
    if p_provider <> 'balance' then
      perform private.enter_sequences(p_user_id, 'checkout_opened');
    end if;
    perform private.count_milestone(p_user_id, 'checkout');
    return private.order_details(v_order, 'created');
  end if;
  select o.* into v_order from public.orders as o where o.reference = p_reference and o.user_id = p_user_id;
  return private.order_details(v_order, 'known');
end
$$;

revoke all on function public.create_order from public, anon, authenticated, service_role;
grant execute on function public.create_order to bot_backend;
comment on function public.create_order is 'Creates an order of one product';

-- Finds the buyer's newest open order that equals p_quote (private.quote_order): the same product, provider, price, discount
-- and terms in the same bot. An order whose payment failed once, or that expires within the hour, is not reused.
--
-- Concurrency: read-only. The caller holds an advisory lock of the user's orders, so that two devices find the same order.
-- Locks: none.
-- Returns: public.orders, the row; null if there is none.
-- Errors: none.
create or replace function private.find_reusable_order(p_quote public.orders)
returns public.orders
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select o.*
    from public.orders as o
   where o.user_id = p_quote.user_id
     and o.bot = p_quote.bot
     and o.product_key = p_quote.product_key
     and o.provider = p_quote.provider
     and o.currency = p_quote.currency
     and o.amount = p_quote.amount
     and o.renews = p_quote.renews
     and o.is_gift = p_quote.is_gift
     and o.contact is not distinct from p_quote.contact
     and o.next_product_key is not distinct from p_quote.next_product_key
     and o.promocode_id is not distinct from p_quote.promocode_id
     and o.course_terms is not distinct from p_quote.course_terms
     and o.renewal_id is null
     and o.status = 'pending'
     and 'failed' <> all(o.notified)
     and o.expires_at > (select private.clock()) + interval '1 hour'
     and private.checkout_state(o) is null
   order by o.id desc
   limit 1;
$$;

revoke all on function private.find_reusable_order from public, anon, authenticated, service_role;
comment on function private.find_reusable_order is 'Finds an open order that equals a quoted one';

-- Grants what a payment was made for: plan time, bonus credits, balance, a course or a gift. Completes the order, consumes its
-- discount, creates or extends the renewal, cancels the renewals that it replaces, pays the referrer's commission, and sends
-- the buyer a message. A purchase from balance shows the result on its own screen instead; a payment that was refunded before
-- it arrived sends none.
--
-- Concurrency: the caller holds the payment and its order and has checked that nothing was granted; effects are also unique per
--   payment. Buyer and referrer are locked in the order of their ids, so that two payments with the same two users cannot
--   deadlock.
-- Locks: payment and order (held by the caller), buyer and referrer by id (NO KEY UPDATE), then the buyer's subscriptions,
--   other orders with the same discount by id, broadcasts that the buyer received, and renewals; before those, as
--   private.count_milestone.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.fulfil_payment(p_payment public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_purchase record;
  v_referrer_id bigint;
  v_given numeric;
  v_ends_at timestamptz;
  v_offer jsonb;
  v_is_resumed boolean;
  v_replaced jsonb;
begin
  select b.kind, b.plan, b.period, b.quantity, b.bot, b.product_key, b.order_id, b.next_product_key
    into v_purchase
    from (
      select o.product_key, case when o.is_gift then 'gift' else o.kind end as kind, o.plan, o.period, o.quantity, o.bot, o.id as order_id, o.next_product_key
        from public.orders as o
       where o.id = p_payment.order_id
      union all
      select r.product_key, r.kind, r.plan, r.period, null::numeric, r.bot, null::bigint, null::text
        from public.renewals as r
       where r.id = p_payment.renewal_id and p_payment.order_id is null
    ) as b;
  select r.referrer_id into v_referrer_id
    from public.user_referrals as r
   where r.referred_id = p_payment.user_id and r.status = 'completed';
  perform from public.users as u
    where u.id in (p_payment.user_id, v_referrer_id)
    order by u.id
      for no key update;
  select u.id into v_referrer_id from public.users as u where u.id = v_referrer_id;  -- null: erased in between

  select g.given, g.ends_at into v_given, v_ends_at
    from private.grant_purchase(
      p_payment, v_purchase.kind, v_purchase.plan, v_purchase.period, v_purchase.quantity
    ) as g;
  perform private.pay_commission(p_payment, v_referrer_id);
  if p_payment.amount > 0 and p_payment.provider <> 'balance' then
    perform private.count_milestone(p_payment.user_id, 'paid');
  end if;

  update public.orders as o
     set status = 'completed', completed_at = v_now
   where o.id = p_payment.order_id and o.status <> 'completed';
  perform private.consume_discount(p_payment.order_id);
  if v_purchase.order_id is not null and p_payment.renewal_id is null and p_payment.status <> 'refunded' then
    perform private.on_purchase(p_payment.user_id, v_purchase.order_id, v_purchase.kind);
  end if;
  v_is_resumed := private.save_renewal(p_payment, v_ends_at);
  v_replaced := private.replace_renewals(p_payment, v_is_resumed);
  if p_payment.status = 'refunded' or p_payment.provider = 'balance' then
    return v_replaced;
  end if;
  v_offer := private.offer_after_top_up(p_payment.user_id, v_purchase.order_id, v_purchase.next_product_key);
  return private.enqueue_user_message(
    p_payment.user_id,
    v_purchase.bot,
    case
      when v_offer is not null then 'paid_balance_continues'
      when v_is_resumed then 'renewed_resumed'
      when p_payment.renewal_id is null then 'paid_' || v_purchase.kind
      else 'renewed'
    end,
    jsonb_build_object('title', private.product_titles(v_purchase.product_key))
    || case v_purchase.kind
         when 'subscription' then jsonb_build_object('until', jsonb_build_object('date', v_ends_at))
         when 'course' then '{}'
         when 'gift' then '{}'
         when 'balance' then jsonb_build_object(
           'quantity', jsonb_build_object('amount', v_given, 'currency', private.setting('balance_currency'))
         )
         else jsonb_build_object('quantity', trim_scale(v_given))
       end
    || coalesce(v_offer -> 'values', '{}'),
    case v_purchase.kind
      when 'gift' then jsonb_build_array(
        jsonb_build_array(jsonb_build_object('key', 'gift_open', 'data', 'gift:' || p_payment.id))
      )
      else v_offer -> 'buttons'
    end
  ) || v_replaced;
end
$$;

revoke all on function private.fulfil_payment from public, anon, authenticated, service_role;
comment on function private.fulfil_payment is 'Grants what a payment was made for';

-- Describes a gift for its buyer.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, as an entry of public.list_gifts.
-- Errors: none.
create or replace function private.gift_card(p_gift public.gifts)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'id', p_gift.payment_id,
      'token', p_gift.token,
      'bot', p_gift.bot,
      'texts', p.texts,
      'state', case
        when p_gift.revoked_at is not null then 'revoked'
        when p_gift.taken_at is not null then 'taken'
        when p_gift.expires_at <= private.clock() then 'expired'
        else 'waiting'
      end,
      'expires_at', p_gift.expires_at,
      'taken_at', p_gift.taken_at
    )
    from public.products as p
   where p.key = p_gift.product_key;
$$;

revoke all on function private.gift_card from public, anon, authenticated, service_role;
comment on function private.gift_card is 'Describes a gift for its buyer';

-- Grants what was bought with a payment (plan time, bonus credits, balance, a course or a gift) and records it as the payment's effect.
--
-- Concurrency: the caller holds the payment and the user and has checked that nothing was granted; the effect is also unique
--   per payment, so that a second grant fails.
-- Locks: user (held by the caller), then the user's subscriptions of the plan, or enrollments in the course.
-- Returns: (given, ends_at), the quantity granted (payment_effects.given) and the new end of the plan; null without a plan.
-- Errors: none.
create or replace function private.grant_purchase(
  p_payment public.payments,
  p_kind text,
  p_plan text,
  p_period text,
  p_quantity numeric,
  out given numeric,
  out ends_at timestamptz
)
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_subscription_id bigint;
begin
  case p_kind
    when 'subscription' then
      select e.subscription_id, e.seconds into v_subscription_id, given
        from private.extend_subscription(p_payment.user_id, p_plan, 'purchase', p_period, null) as e;
      update public.subscriptions as s
         set monthly_amount = coalesce(p.price, s.monthly_amount),
             currency = case when p.price is null then s.currency else p_payment.currency end
        from private.monthly_price(p_payment, p_period) as p (price)
       where s.id = v_subscription_id
      returning s.ends_at into ends_at;
    when 'credits' then
      given := p_quantity;
      update public.users as u set bonus_credits = u.bonus_credits + given::integer where u.id = p_payment.user_id;
    when 'balance' then
      given := p_quantity;
      perform private.adjust_balance_for_payment(p_payment.user_id, given, 'payment', p_payment.id, 'balance', 0);
    when 'course' then
      given := 1;
      perform private.enroll_buyer(p_payment);
    when 'gift' then
      given := 1;
      perform private.add_gift(p_payment);
  end case;
  insert into public.payment_effects (payment_id, effect, user_id, subscription_id, given)
  values (p_payment.id, p_kind, p_payment.user_id, v_subscription_id, grant_purchase.given);
end
$$;

revoke all on function private.grant_purchase from public, anon, authenticated, service_role;
comment on function private.grant_purchase is 'Grants what was bought with a payment';

-- Lists the gifts that a user has bought, the newest first: at most 50, or the one with p_id.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     id: bigint
--     token: text            (what the link holds)
--     bot: text              (the bot of the link)
--     texts: product_texts
--     state: 'waiting' | 'taken' | 'expired' | 'revoked'
--     expires_at: timestamptz
--     taken_at: timestamptz | null
--   } ]
-- Errors: none.
create or replace function public.list_gifts(p_user_id bigint, p_id bigint default null)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(private.gift_card(g) order by g.payment_id desc), '[]'::jsonb)
    from (
      select f.*
        from public.gifts as f
       where f.user_id = p_user_id and f.payment_id = coalesce(p_id, f.payment_id)
       order by f.payment_id desc
       limit 50
    ) as g;
$$;

revoke all on function public.list_gifts from public, anon, authenticated, service_role;
grant execute on function public.list_gifts to bot_backend;
comment on function public.list_gifts is 'Lists the gifts that a user has bought';

-- Describes an order for its checkout.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   outcome: text          (p_outcome)
--   id: bigint
--   status: 'pending' | 'completed' | 'canceled' | 'withdrawn'
--   provider: text
--   kind: 'subscription' | 'credits' | 'balance' | 'course'
--   texts: product_texts
--   amount: numeric
--   full_amount: numeric | null               (without the discount; null when there is none)
--   credit: numeric | null                    (paid for lower tiers of a course, and subtracted; null: no upgrade)
--   currency: text
--   period: 'month' | 'year' | null
--   renews: boolean
--   is_gift: boolean
--   contact: text | null
--   expires_at: timestamptz
--   checkout_url: text | null
--   checkout_reference: text | null
-- Errors: none.
create or replace function private.order_details(p_order public.orders, p_outcome text)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'outcome', p_outcome,
      'id', p_order.id,
      'status', p_order.status,
      'provider', p_order.provider,
      'kind', p_order.kind,
      'texts', p.texts,
      'amount', p_order.amount::text,
      'full_amount', p_order.full_amount::text,
      'credit', nullif(p_order.course_terms ->> 'credit', '0'),
      'currency', p_order.currency,
      'period', p_order.period,
      'renews', p_order.renews,
      'is_gift', p_order.is_gift,
      'contact', p_order.contact,
      'expires_at', p_order.expires_at,
      'checkout_url', p_order.checkout_url,
      'checkout_reference', p_order.checkout_reference
    )
    from public.products as p
   where p.key = p_order.product_key;
$$;

revoke all on function private.order_details from public, anon, authenticated, service_role;
comment on function private.order_details is 'Describes an order for its checkout';

-- Reverses the fulfilment of a payment in proportion to what was refunded or disputed, and restores it when a refund failed or
-- a dispute was won. Credits, balance and plan time never become negative: what the user no longer had is not reversed, and not
-- restored either. For an erased user only the target is updated; their gift is taken
-- back all the same.
--
-- Concurrency: the caller holds the payment's lock. The quantity to reverse is stored (payment_effects.reversal_target), so
--   that the same sums change nothing again.
-- Locks: users of the effects and the recipient of a gift by id (NO KEY UPDATE), effects, gift.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.reverse_fulfilment(p_payment public.payments, p_before public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_share numeric := least(
    1, coalesce((p_payment.refunded + p_payment.disputed) / nullif(p_payment.amount, 0), 0)
  );
  v_effect public.payment_effects;
  v_target numeric;
  v_reversed numeric;
  v_has_changed boolean := false;
begin
  perform from public.users as u
    where u.id in (
      select e.user_id from public.payment_effects as e where e.payment_id = p_payment.id
      union all
      select g.taken_by from public.gifts as g where g.payment_id = p_payment.id
    )
    order by u.id
      for no key update;
  for v_effect in
    select e.* from public.payment_effects as e where e.payment_id = p_payment.id order by e.effect
  loop
    v_target := case
      when v_share = 1 then v_effect.given
      when v_effect.effect in ('balance', 'commission') then round(v_effect.given * v_share, 2)
      when v_effect.effect in ('course', 'gift') then 0
      else floor(v_effect.given * v_share)
    end;
    if v_effect.user_id is null then
      v_target := greatest(v_target, v_effect.reversed);  -- an erased user's reversal is not restored
    end if;
    continue when v_target = v_effect.reversal_target;
    v_has_changed := true;
    if v_target > v_effect.reversal_target then
      v_reversed := v_effect.reversed + private.adjust_effect(p_payment, v_effect, v_effect.reversal_target - v_target);
    else
      v_reversed := least(v_effect.reversed, v_target);
      perform private.adjust_effect(p_payment, v_effect, v_effect.reversed - v_reversed);
    end if;
    update public.payment_effects as e
       set reversal_target = v_target, reversed = v_reversed, adjustments = e.adjustments + 1
     where e.payment_id = v_effect.payment_id and e.effect = v_effect.effect;
  end loop;
  if v_share < 1 and p_payment.refunded + p_payment.disputed > p_before.refunded + p_before.disputed then
    perform private.alarm_upgraded_refund(p_payment);  -- delivered by the sweep
  end if;
  -- The buyer is notified of every refund, also of one too small to reverse anything.
  if not v_has_changed and p_payment.refunded + p_payment.disputed = p_before.refunded + p_before.disputed then
    return '[]'::jsonb;
  end if;
  return private.notify_refund(p_payment, p_before);
end
$$;

revoke all on function private.reverse_fulfilment from public, anon, authenticated, service_role;
comment on function private.reverse_fulfilment is 'Reverses or restores the fulfilment of a payment';

-- Takes a gift back after a refund or dispute (p_is_off), or restores it. A gift that was accepted takes the plan's time from
-- the recipient, at most what is left of it, and tells them; a restoration gives back what was taken.
--
-- Concurrency: the caller holds the payment; every call changes the gift at most once.
-- Locks: gift, recipient (NO KEY UPDATE, held by the caller), their subscriptions of the plan.
-- Returns: void
-- Errors: none.
create or replace function private.switch_gift(p_payment_id bigint, p_is_off boolean)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_gift public.gifts;
  v_seconds numeric := 0;
begin
  select g.* into v_gift from public.gifts as g where g.payment_id = p_payment_id for no key update;
  if not found or (v_gift.revoked_at is not null) = p_is_off then
    return;
  end if;
  if v_gift.taken_by is not null and p_is_off then
    v_seconds := floor(private.shorten_subscription(v_gift.taken_by, v_gift.plan, 'purchase', v_gift.seconds));
  elsif v_gift.taken_by is not null and v_gift.seconds_revoked > 0 then
    perform private.extend_subscription(v_gift.taken_by, v_gift.plan, 'purchase', null, v_gift.seconds_revoked);
  end if;
  update public.gifts as g
     set revoked_at = case when p_is_off then private.clock() end, seconds_revoked = v_seconds
   where g.payment_id = p_payment_id;
  if v_gift.taken_by is not null then
    perform private.enqueue_user_message(  -- delivered by the sweep
      v_gift.taken_by,
      private.reachable_bot(v_gift.taken_by, u.telegram_id, v_gift.bot),
      case when p_is_off then 'gift_revoked_notice' else 'gift_restored_notice' end,
      jsonb_build_object('title', private.product_titles(v_gift.product_key))
    )
      from public.users as u
     where u.id = v_gift.taken_by;
  end if;
end
$$;

revoke all on function private.switch_gift from public, anon, authenticated, service_role;
comment on function private.switch_gift is 'Takes a gift back, or restores it';

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
     set taken_by = p_user_id, taken_at = v_now, seconds = v_seconds
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

-- Collects what is stored about a user's payments: orders, payments, refunds, what was fulfilled, renewals and events
-- of providers. Data about another person who paid for the user are left out.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.payments_section(p_user public.users)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with own as (
    select p.*
      from public.payments as p
     where p.user_id = p_user.id
       and coalesce(p.claims ->> 'telegram_id', p_user.telegram_id::text) = p_user.telegram_id::text
    union
    select p.* from public.payments as p where p.claims ->> 'telegram_id' = p_user.telegram_id::text
  )
  select jsonb_build_object(
    'orders', (
      select coalesce(jsonb_agg(to_jsonb(o) - 'user_id' order by o.id), '[]')
        from public.orders as o
       where o.user_id = p_user.id
    ),
    'payments', (
      select coalesce(jsonb_agg(to_jsonb(p) - array['user_id', 'claims'] order by p.id), '[]') from own as p
    ),
    'operations', (
      select coalesce(jsonb_agg(to_jsonb(o) order by o.payment_id, o.created_at, o.kind, o.operation_id), '[]')
        from public.payment_operations as o
       where o.payment_id = any(array(select p.id from own as p))
    ),
    'refunds', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'admin_email' order by r.id), '[]')
        from public.refunds as r
       where r.payment_id = any(array(select p.id from own as p))
    ),
    'effects', (
      select coalesce(jsonb_agg(to_jsonb(e) - 'user_id' order by e.payment_id, e.effect), '[]')
        from public.payment_effects as e
       where e.user_id = p_user.id
    ),
    'gifts', (
      select coalesce(
          jsonb_agg(to_jsonb(g) - array['user_id', 'token', 'taken_by', 'seconds', 'seconds_revoked'] order by g.payment_id),
          '[]'::jsonb
        )
        from public.gifts as g
       where g.user_id = p_user.id
    ),
    'gifts_received', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'product_key', g.product_key, 'taken_at', g.taken_at, 'seconds', g.seconds,
              'seconds_revoked', g.seconds_revoked, 'revoked_at', g.revoked_at
            )
            order by g.taken_at, g.payment_id
          ),
          '[]'::jsonb
        )
        from public.gifts as g
       where g.taken_by = p_user.id
    ),
    'renewals', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'user_id' order by r.id), '[]')
        from public.renewals as r
       where r.user_id = p_user.id
    ),
    'events', (
      select coalesce(jsonb_agg(to_jsonb(e) - array['id', 'user_id'] order by e.received_at, e.id), '[]')
        from public.payment_events as e
       where e.user_id = p_user.id
    )
  );
$$;

revoke all on function private.payments_section from public, anon, authenticated, service_role;
comment on function private.payments_section is 'Collects what is stored about a user''s payments';

alter table public.orders add constraint orders_gift_check CHECK (((NOT is_gift) OR ((kind = 'subscription'::text) AND (NOT renews))));

alter table public.payment_effects drop constraint payment_effects_effect_check;

alter table public.payment_effects add constraint payment_effects_effect_check CHECK ((effect = ANY (ARRAY['subscription'::text, 'credits'::text, 'balance'::text, 'course'::text, 'gift'::text, 'commission'::text])));

comment on column public.orders.is_gift is 'The plan is for another user, who gets a link (gifts)';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "gift_days", "about": "Days in which the link of a gift can be used", "value": 365}') on conflict do nothing;
