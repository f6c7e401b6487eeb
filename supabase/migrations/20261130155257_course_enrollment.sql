-- Course enrollment.

alter table public.enrollment_grants add column withdrawn_for text;

alter table public.orders add column course_terms jsonb;

-- Orders the tiers of courses: a tier opens its own lessons and those of all lower tiers.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: integer: 1 basic, 2 accelerator, 3 vip; 0 without a tier.
-- Errors: none.
create or replace function private.tier_rank(p_tier text)
returns integer
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_position(array['basic', 'accelerator', 'vip'], p_tier), 0);
$$;

revoke all on function private.tier_rank from public, anon, authenticated, service_role;
comment on function private.tier_rank is 'Orders the tiers of courses';

-- Returns whether a grant of a course's tier counts: it is not withdrawn, and neither is any grant that made it cheaper.
--
-- Concurrency: read-only; the caller holds the user's row.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_live_grant(p_grant public.enrollment_grants)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_grant.withdrawn_at is null
    and not exists (
      select from public.enrollment_grants as c where c.id = any(p_grant.credited) and c.withdrawn_at is not null
    );
$$;

revoke all on function private.is_live_grant from public, anon, authenticated, service_role;
comment on function private.is_live_grant is 'Whether a grant of a tier counts';

-- Returns whether purchases that make an upgrade of a course cheaper were refunded meanwhile, also in part. The order for it can
-- then not be paid. p_terms: orders.course_terms.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean; false for an order that is no upgrade.
-- Errors: none.
create or replace function private.is_credit_gone(p_terms jsonb)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce((p_terms ->> 'credit')::numeric > 0, false)
    and (p_terms ->> 'credit')::numeric > (
      select coalesce(sum(g.amount - coalesce(p.refunded + p.disputed, 0)), 0)
        from public.enrollment_grants as g
        left join public.payments as p on p.id = g.payment_id
       where g.withdrawn_at is null
         and g.id in (select c.value::bigint from jsonb_array_elements_text(p_terms -> 'credited') as c)
    );
$$;

revoke all on function private.is_credit_gone from public, anon, authenticated, service_role;
comment on function private.is_credit_gone is 'Whether purchases that make an upgrade cheaper were refunded';

-- Returns whether an order's discount is bound to another order or was used for one, or a purchase that makes it cheaper as an
-- upgrade of a course was refunded. The order can then not be paid.
--
-- Concurrency: read-only; the result is stable while the caller holds the discount's lock.
-- Locks: none.
-- Returns: boolean; false for an order that is completed or has no discount.
-- Errors: none.
create or replace function private.is_discount_gone(p_order public.orders)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_order.status = 'withdrawn'
    or (p_order.status <> 'completed' and private.is_credit_gone(p_order.course_terms))
    or (
      p_order.promocode_id is not null
      and p_order.status <> 'completed'
      and not exists (
        select
          from public.promocode_usages as u
         where u.promocode_id = p_order.promocode_id and u.user_id = p_order.user_id and u.consumed_at is null
      )
    );
$$;

revoke all on function private.is_discount_gone from public, anon, authenticated, service_role;
comment on function private.is_discount_gone is 'Whether an order''s discount is bound to another order';

-- Returns what a learner has paid for lower tiers of a course, less refunds: what an upgrade to p_tier costs less. Only payments
-- in the same currency count, only tiers that the learner still has, and each once for a tier.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: (credited, amount), the grants and their sum; empty and 0 without any.
-- Errors: none.
create or replace function private.course_credits(
  p_user_id bigint, p_course_id bigint, p_tier text, p_currency text, out credited bigint[], out amount numeric
)
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(n.id order by n.id), '{}'), coalesce(sum(n.net), 0)
    from (
      select g.id, g.amount - coalesce(p.refunded + p.disputed, 0) as net
        from public.enrollments as e
        join public.enrollment_grants as g on g.enrollment_id = e.id
        left join public.payments as p on p.id = g.payment_id
       where e.user_id = p_user_id
         and e.course_id = p_course_id
         and e.withdrawn_at is null
         and coalesce(e.expires_at > (select private.clock()), true)
         and private.tier_rank(e.tier) < private.tier_rank(p_tier)
         and g.currency = p_currency
         and private.is_live_grant(g)
         and not exists (
           select
             from public.enrollments as f
             join public.enrollment_grants as h on h.enrollment_id = f.id
            where f.user_id = p_user_id
              and f.course_id = p_course_id
              and private.tier_rank(f.tier) >= private.tier_rank(p_tier)
              and g.id = any(h.credited)
              and private.is_live_grant(h)
         )
    ) as n
   where n.net > 0;
$$;

revoke all on function private.course_credits from public, anon, authenticated, service_role;
comment on function private.course_credits is 'What a learner has paid for lower tiers of a course';

-- Returns the terms by which a user would order a product of the kind course (orders.course_terms) and its price: for an upgrade
-- the difference to what was paid for lower tiers (private.course_credits).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: (terms, price, reason). reason is null if it is for sale, else covered (the user has this tier or a higher one for
--   life, or paid as much already), closed (places of the cohort are no longer sold) or unpublished. terms is null for a
--   product that gives no course here; its price is the full one.
-- Errors: none.
create or replace function private.course_terms(
  p_user_id bigint, p_product_key text, p_currency text, p_price numeric,
  out terms jsonb, out price numeric, out reason text
)
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_offer public.course_offers;
  v_credits record;
begin
  price := p_price;
  select f.* into v_offer from public.course_offers as f where f.product_key = p_product_key;
  if not found then
    return;
  end if;
  select c.credited, c.amount into v_credits
    from private.course_credits(p_user_id, v_offer.course_id, v_offer.tier, p_currency) as c;
  price := p_price - v_credits.amount;
  terms := jsonb_build_object(
    'course_id', v_offer.course_id,
    'tier', v_offer.tier,
    'cohort_id', v_offer.cohort_id,
    'access_days', v_offer.access_days,
    'credited', to_jsonb(v_credits.credited),
    'credit', v_credits.amount::text
  );
  reason := case
    when not exists (select from public.courses as c where c.id = v_offer.course_id and c.is_published) then 'unpublished'
    when price <= 0 or exists (
      select
        from public.enrollments as e
       where e.user_id = p_user_id
         and e.course_id = v_offer.course_id
         and private.tier_rank(e.tier) >= private.tier_rank(v_offer.tier)
         and e.withdrawn_at is null
         and e.expires_at is null
    ) then 'covered'
    when exists (
      select from public.cohorts as h where h.id = v_offer.cohort_id and h.enrolls_until <= v_now
    ) then 'closed'
  end;
end
$$;

revoke all on function private.course_terms from public, anon, authenticated, service_role;
comment on function private.course_terms is 'What a user would order with a course product, and its price';

-- Gives the buyer the tier of a course that a payment was made for, by the terms of the order (orders.course_terms). If a
-- purchase that lowered the price was refunded at the same moment, the tier stays withdrawn and the admins get an alarm.
--
-- Concurrency: the caller holds the payment and the user and calls once per payment.
-- Locks: as private.grant_tier.
-- Returns: void
-- Errors: none.
create or replace function private.enroll_buyer(p_payment public.payments)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_terms jsonb;
  v_grant public.enrollment_grants;
  v_enrollment_id bigint;
begin
  select o.course_terms into v_terms from public.orders as o where o.id = p_payment.order_id;
  if v_terms is null then
    return;  -- a product that gives no course here
  end if;
  v_grant.credited := array(select c.value::bigint from jsonb_array_elements_text(v_terms -> 'credited') as c);
  v_grant.source := case when cardinality(v_grant.credited) > 0 then 'upgrade' else 'purchase' end;
  v_grant.payment_id := p_payment.id;
  v_grant.order_id := p_payment.order_id;
  v_grant.amount := p_payment.amount;
  v_grant.currency := p_payment.currency;
  v_grant.cohort_id := (v_terms ->> 'cohort_id')::bigint;
  v_grant.access_days := (v_terms ->> 'access_days')::integer;
  v_enrollment_id := private.grant_tier(
    p_payment.user_id, (v_terms ->> 'course_id')::bigint, v_terms ->> 'tier', v_grant
  );
  perform private.alarm_payment_problem(p_payment, 'upgrade')  -- delivered by the sweep
    from public.enrollment_grants as g
   where g.payment_id = p_payment.id and not private.is_live_grant(g);
end
$$;

revoke all on function private.enroll_buyer from public, anon, authenticated, service_role;
comment on function private.enroll_buyer is 'Gives the buyer the tier of a course that a payment was made for';

-- Gives a learner a tier of a course and records what gave it.
--
-- Concurrency: the caller holds the user's row and calls once per event; a payment has one grant (a second one fails).
-- Locks: user (held by the caller), then as private.refresh_enrollments.
-- Returns: bigint, the id of the enrollment.
-- Errors: none.
create or replace function private.grant_tier(
  p_user_id bigint,
  p_course_id bigint,
  p_tier text,
  p_grant public.enrollment_grants
)
returns bigint
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_enrollment_id bigint;
begin
  insert into public.enrollments (user_id, course_id, tier, source)
  values (p_user_id, p_course_id, p_tier, p_grant.source)
  on conflict (user_id, course_id, tier) do nothing;
  select e.id into v_enrollment_id
    from public.enrollments as e
   where e.user_id = p_user_id and e.course_id = p_course_id and e.tier = p_tier;
  insert into public.enrollment_grants (
    enrollment_id, source, payment_id, order_id, amount, currency, cohort_id, access_days, credited
  )
  values (
    v_enrollment_id, p_grant.source, p_grant.payment_id, p_grant.order_id, coalesce(p_grant.amount, 0), p_grant.currency,
    p_grant.cohort_id, p_grant.access_days, coalesce(p_grant.credited, '{}')
  );
  perform private.refresh_enrollments(p_user_id, p_course_id);
  return v_enrollment_id;
end
$$;

revoke all on function private.grant_tier from public, anon, authenticated, service_role;
comment on function private.grant_tier is 'Gives a learner a tier of a course';

-- Derives a learner's tiers of a course from their grants. Days of access follow each other; those of a cohort begin with it.
-- Without any tier left the certificate is withdrawn, with one it is valid again.
--
-- Concurrency: the caller holds the user's row. Derived from enrollment_grants alone, so a repetition changes nothing.
-- Locks: user (held by the caller), the user's enrollments in the course, the certificate.
-- Returns: void
-- Errors: none.
create or replace function private.refresh_enrollments(p_user_id bigint, p_course_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_enrollment public.enrollments;
  v_grant public.enrollment_grants;
  v_newest public.enrollment_grants;
  v_begins_at timestamptz;
  v_ends_at timestamptz;
  v_enrolled_at timestamptz;
  v_is_for_life boolean;
begin
  for v_enrollment in
    select e.* from public.enrollments as e where e.user_id = p_user_id and e.course_id = p_course_id order by e.id
  loop
    v_newest := null;
    v_enrolled_at := null;
    v_ends_at := null;
    v_is_for_life := false;
    for v_grant in
      select g.*
        from public.enrollment_grants as g
       where g.enrollment_id = v_enrollment.id and private.is_live_grant(g)
       order by g.granted_at, g.id
    loop
      v_newest := v_grant;
      v_enrolled_at := coalesce(v_enrolled_at, v_grant.granted_at);
      select greatest(v_grant.granted_at, c.starts_at) into v_begins_at
        from (select) as one
        left join public.cohorts as c on c.id = v_grant.cohort_id;
      v_is_for_life := v_is_for_life or v_grant.access_days is null;
      v_ends_at := greatest(v_ends_at, v_begins_at) + make_interval(days => coalesce(v_grant.access_days, 0));
    end loop;
    if v_newest.id is null then
      update public.enrollments as e
         set withdrawn_at = v_now
       where e.id = v_enrollment.id and e.withdrawn_at is null;
    else
      update public.enrollments as e
         set source = v_newest.source,
             amount_paid = v_newest.amount,
             currency = v_newest.currency,
             payment_id = v_newest.payment_id,
             order_id = v_newest.order_id,
             cohort_id = v_newest.cohort_id,
             enrolled_at = v_enrolled_at,
             expires_at = case when not v_is_for_life then v_ends_at end,
             reminded_at = case when not v_is_for_life and e.expires_at = v_ends_at then e.reminded_at end,
             withdrawn_at = null
       where e.id = v_enrollment.id;
    end if;
  end loop;
  update public.course_certificates as c
     set withdrawn_at = case when r.is_left then null else coalesce(c.withdrawn_at, v_now) end
    from (
      select bool_or(e.withdrawn_at is null) as is_left
        from public.enrollments as e
       where e.user_id = p_user_id and e.course_id = p_course_id
    ) as r
   where c.user_id = p_user_id and c.course_id = p_course_id and (c.withdrawn_at is null) is distinct from r.is_left;
end
$$;

revoke all on function private.refresh_enrollments from public, anon, authenticated, service_role;
comment on function private.refresh_enrollments is 'Derives a learners tiers of a course from their grants';

-- Withdraws what a payment gave of a course, or restores it. Upgrades that were cheaper because of it are withdrawn and restored
-- with it; the admins get an alarm about each, because their payments are not refunded. What an admin withdrew stays withdrawn.
--
-- Concurrency: the caller holds the payment and the user. A repetition changes nothing.
-- Locks: user (held by the caller), grant, then as private.refresh_enrollments.
-- Returns: void
-- Errors: none.
create or replace function private.switch_grant(p_payment_id bigint, p_is_withdrawn boolean)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_grant public.enrollment_grants;
  v_enrollment public.enrollments;
begin
  update public.enrollment_grants as g
     set withdrawn_at = case when p_is_withdrawn then private.clock() end,
         withdrawn_for = case when p_is_withdrawn then 'refund' end
   where g.payment_id = p_payment_id
     and (g.withdrawn_at is not null) <> p_is_withdrawn
     and g.withdrawn_for is distinct from 'admin'
  returning g.* into v_grant;
  if not found then
    return;
  end if;
  select e.* into v_enrollment from public.enrollments as e where e.id = v_grant.enrollment_id;
  perform private.refresh_enrollments(v_enrollment.user_id, v_enrollment.course_id);
  if p_is_withdrawn then
    perform private.alarm_payment_problem(p, 'upgrade')  -- delivered by the sweep
      from public.enrollments as e
      join public.enrollment_grants as g on g.enrollment_id = e.id
      join public.payments as p on p.id = g.payment_id
     where e.user_id = v_enrollment.user_id
       and e.course_id = v_enrollment.course_id
       and v_grant.id = any(g.credited)
       and g.withdrawn_at is null;
  end if;
end
$$;

revoke all on function private.switch_grant from public, anon, authenticated, service_role;
comment on function private.switch_grant is 'Withdraws what a payment gave of a course, or restores it';

-- Reverses a part of a payment effect (p_amount below zero) or restores it (above zero). Nothing happens for an erased user.
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
  v_reversed numeric := 0;
begin
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
        perform private.extend_subscription(v_user.id, v_plan, 'purchase', null, p_amount);
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
-- within the hour.
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
  p_reuse boolean default false
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
    then
      v_order := v_invited;
      v_outcome := 'reused';
    end if;
  end if;
  if v_order.id is not null then
    return private.order_details(v_order, v_outcome);
  end if;

  v_quote := private.quote_order(p_user_id, p_product_key, p_provider, p_currency, p_renews, p_reuse);
  if v_quote.product_key is null then
    return jsonb_build_object('outcome', 'not_for_sale');
  end if;
  v_quote.bot := p_bot;
  v_quote.contact := p_contact;
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
    reference, expires_at, full_amount, promocode_id, next_product_key, course_terms
  )
  values (
    p_user_id, v_quote.product_key, p_provider, p_currency, v_quote.amount, v_quote.kind, v_quote.plan, v_quote.period,
    v_quote.quantity, v_quote.renews, p_contact, p_bot, p_reference, v_quote.expires_at, v_quote.full_amount,
    v_quote.promocode_id, v_quote.next_product_key, v_quote.course_terms
  )
  on conflict (reference) do nothing
  returning o.* into v_order;
  if v_order.id is not null then
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

-- Grants what was bought with a payment (plan time, bonus credits, balance or a course) and records it as the payment's effect.
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
      select s.ends_at into ends_at from public.subscriptions as s where s.id = v_subscription_id;
    when 'credits' then
      given := p_quantity;
      update public.users as u set bonus_credits = u.bonus_credits + given::integer where u.id = p_payment.user_id;
    when 'balance' then
      given := p_quantity;
      perform private.adjust_balance_for_payment(p_payment.user_id, given, 'payment', p_payment.id, 'balance', 0);
    when 'course' then
      given := 1;
      perform private.enroll_buyer(p_payment);
  end case;
  insert into public.payment_effects (payment_id, effect, user_id, subscription_id, given)
  values (p_payment.id, p_kind, p_payment.user_id, v_subscription_id, grant_purchase.given);
end
$$;

revoke all on function private.grant_purchase from public, anon, authenticated, service_role;
comment on function private.grant_purchase is 'Grants what was bought with a payment';

-- Offers the product for which a top-up was made: one tap buys it from balance. If the balance is still too low, the button
-- opens the page that shows what is missing.
--
-- Concurrency: read-only. The button carries the price and the top-up's order as idempotency key, so that
--   public.pay_from_balance buys once, however often it is tapped.
-- Locks: none.
-- Returns: jsonb {values: {wanted, price}, buttons} for private.enqueue_user_message; null if the product is not sold from
--   balance.
-- Errors: none.
create or replace function private.offer_after_top_up(p_user_id bigint, p_order_id bigint, p_product_key text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_currency text := private.setting('balance_currency');
  v_price numeric;
  v_data text;
begin
  select private.discounted_price(t.price, c.currency, d.percent) into v_price
    from public.products as p
    join public.product_prices as c on c.product_key = p.key and c.currency = v_currency
    cross join private.find_discount(p_user_id) as d
    cross join lateral private.course_terms(p_user_id, p.key, c.currency, c.amount) as t
   where p.key = p_product_key and p.is_active and p.kind <> 'balance' and t.reason is null;
  if v_price is null then
    return null;
  end if;
  v_data := format('bal!:%s:%s:t%s', p_product_key, trim_scale(v_price), p_order_id);
  if octet_length(v_data) > 64 or (select u.balance < v_price from public.users as u where u.id = p_user_id) then
    v_data := format('bal:%s', p_product_key);
  end if;
  return jsonb_build_object(
    'values', jsonb_build_object(
      'wanted', private.product_titles(p_product_key),
      'price', jsonb_build_object('amount', v_price, 'currency', v_currency)
    ),
    'buttons', jsonb_build_array(jsonb_build_array(jsonb_build_object('key', 'balance_buy', 'data', v_data)))
  );
end
$$;

revoke all on function private.offer_after_top_up from public, anon, authenticated, service_role;
comment on function private.offer_after_top_up is 'Offers the product for which a top-up was made';

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

-- Lists the products on sale with their prices and the user's discounted prices, sorted by position. A product without a price
-- is not on sale. Renewing purchases and top-ups have no discount. A higher tier of a course costs the user the difference, and
-- a tier that they have is left out (private.course_terms).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     key: text
--     kind: 'subscription' | 'credits' | 'balance' | 'course'
--     plan: text | null
--     period: 'month' | 'year' | null
--     quantity: numeric | null
--     texts: product_texts
--     prices: { [text]: numeric }             (by currency)
--     discount: { percent: int, until: timestamptz | null, prices: { [text]: numeric } } | null
--                                             (prices that the discount lowers; null: no discount)
--   } ]                                       (by position)
-- Errors: none.
create or replace function public.products_for_sale(p_user_id bigint default null)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'key', p.key,
          'kind', p.kind,
          'plan', p.plan,
          'period', p.period,
          'quantity', trim_scale(p.quantity)::text,
          'texts', p.texts,
          'prices', s.prices,
          'discount', case when s.reduced is not null then jsonb_build_object(
            'percent', d.percent, 'until', d.expires_at, 'prices', s.reduced
          ) end
        )
        order by p.position, p.key
      ),
      '[]'
    )
    from public.products as p
    cross join private.find_discount(p_user_id) as d
    join lateral (
      select
        jsonb_object_agg(c.currency, c.amount::text) as prices,
        jsonb_object_agg(c.currency, r.amount::text) filter (where r.amount < c.amount) as reduced,
        count(*) as count
        from (
          select c.currency, c.amount from public.product_prices as c where c.product_key = p.key and p.kind <> 'course'
          union all
          select c.currency, t.price
            from public.product_prices as c
            cross join lateral private.course_terms(p_user_id, p.key, c.currency, c.amount) as t
           where c.product_key = p.key and p.kind = 'course' and t.reason is null
        ) as c
        cross join lateral private.discounted_price(
          c.amount, c.currency, case when p.kind <> 'balance' then d.percent end
        ) as r (amount)
    ) as s on s.count > 0
   where p.is_active;
$$;

revoke all on function public.products_for_sale from public, anon, authenticated, service_role;
grant execute on function public.products_for_sale to bot_backend;
comment on function public.products_for_sale is 'Products on sale with their prices';

-- Computes the order that public.create_order inserts: the product's terms and current price, the user's discount, and the
-- expiry. An order that renews or tops up the balance has no discount. A higher tier of a course costs the difference to what
-- was paid for lower ones (private.course_terms).
--
-- Concurrency: with p_reuse an advisory lock serializes the calls of one user. The discount is locked, so that it is bound to
--   one order at a time.
-- Locks: with p_reuse an advisory lock of the user's orders, then the discount.
-- Returns: public.orders, a row that is not stored yet; null if the product is not for sale: inactive, without a price in the
--   currency, or not sold from balance; or a tier of a course that the user has.
-- Errors: none.
create or replace function private.quote_order(
  p_user_id bigint, p_product_key text, p_provider text, p_currency text, p_renews boolean, p_reuse boolean
)
returns public.orders
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_product public.products;
  v_discount public.promocode_usages;
  v_quote public.orders;
begin
  select p.* into v_product from public.products as p where p.key = p_product_key and p.is_active;
  select c.amount into v_quote.full_amount
    from public.product_prices as c
   where c.product_key = v_product.key and c.currency = p_currency;
  if v_quote.full_amount is null
    or (p_provider = 'balance' and (v_product.kind = 'balance' or p_currency <> private.setting('balance_currency')))
  then
    return null;
  end if;
  if v_product.kind = 'course' then
    select t.terms, case when t.reason is null then t.price end into v_quote.course_terms, v_quote.full_amount
      from private.course_terms(p_user_id, v_product.key, p_currency, v_quote.full_amount) as t;
    if v_quote.full_amount is null then
      return null;
    end if;
  end if;
  v_quote.user_id := p_user_id;
  v_quote.product_key := v_product.key;
  v_quote.provider := p_provider;
  v_quote.currency := p_currency;
  v_quote.kind := v_product.kind;
  v_quote.plan := v_product.plan;
  v_quote.period := v_product.period;
  v_quote.quantity := v_product.quantity;
  v_quote.renews := p_renews and v_product.kind = 'subscription' and p_provider <> 'balance';
  v_quote.expires_at := private.clock() + make_interval(hours => private.setting('order_hours')::integer);
  if p_reuse then
    perform pg_advisory_xact_lock(hashtextextended(format('orders of %s', p_user_id), 0));
  end if;
  if not v_quote.renews and v_product.kind <> 'balance' then
    v_discount := private.lock_discount(p_user_id);
  end if;
  v_quote.amount := private.discounted_price(v_quote.full_amount, p_currency, v_discount.percent);
  if v_quote.amount < v_quote.full_amount then
    v_quote.promocode_id := v_discount.promocode_id;
    v_quote.expires_at := least(v_quote.expires_at, v_discount.expires_at);
  else
    v_quote.full_amount := null;
  end if;
  return v_quote;
end
$$;

revoke all on function private.quote_order from public, anon, authenticated, service_role;
comment on function private.quote_order is 'Computes an order at the current price';

-- Its table came with the migration before and is still empty.
-- squawk-ignore constraint-missing-not-valid
alter table public.enrollment_grants add constraint enrollment_grants_check1 CHECK (((withdrawn_at IS NULL) = (withdrawn_for IS NULL)));

-- Its table came with the migration before and is still empty.
-- squawk-ignore constraint-missing-not-valid
alter table public.enrollment_grants add constraint enrollment_grants_withdrawn_for_check CHECK ((withdrawn_for = ANY (ARRAY['refund'::text, 'admin'::text])));

comment on column public.enrollment_grants.withdrawn_for is 'refund: also a dispute, and restored if it is won; admin: for good';

comment on column public.orders.course_terms is 'What an order of a course gives, copied from course_offers: {"course_id", "tier", "cohort_id", "access_days", "credited", "credit"}; credit is what the grants in credited had cost, and is subtracted from the price';
