-- Second commission.
--
-- squawk-ignore-file constraint-missing-not-valid, ban-drop-constraint

-- The new text takes the same calls.
-- squawk-ignore ban-drop-function
drop function private.pay_commission(p_payment public.payments, p_referrer_id bigint);

-- Returns what an admin's list shows of a payment: amount null when no money was received, texts of the product (null
-- without an order), at the time, what was fulfilled, and in open_refund the status of the last refund that needs
-- attention.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   provider: text
--   number: text
--   status: 'pending' | 'completed' | 'failed' | 'canceled' | 'refunded'
--   problem: 'no_order' | 'amount' | 'currency' | 'owner' | 'test' | 'second_charge' | 'withdrawn' | null
--   amount: numeric | null                    (null: no money came)
--   refunded: numeric
--   disputed: numeric
--   currency: text | null
--   at: timestamptz
--   texts: product_texts | null               (of the product; null without an order)
--   given: [ { effect: text, given: float, reversed: float } ]
--   open_refund: 'open' | 'unknown' | null    (the last refund that an admin must look at)
-- Errors: none.
create or replace function private.payment_summary(p_payment public.payments)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_payment.id,
    'provider', p_payment.provider,
    'number', p_payment.provider_payment_id,
    'status', p_payment.status,
    'problem', p_payment.problem,
    'amount', p_payment.amount::text,
    'refunded', p_payment.refunded::text,
    'disputed', p_payment.disputed::text,
    'currency', p_payment.currency,
    'at', coalesce(p_payment.completed_at, p_payment.created_at),
    'texts', (
      select d.texts
        from public.products as d
       where d.key = coalesce(
         (private.payment_order(p_payment)).product_key,
         (select r.product_key from public.renewals as r where r.id = p_payment.renewal_id)
       )
    ),
    'given', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object('effect', e.effect, 'given', trim_scale(e.given), 'reversed', trim_scale(e.reversed))
            order by e.effect
          ),
          '[]'::jsonb
        )
        from public.payment_effects as e
       where e.payment_id = p_payment.id and e.effect not in ('commission', 'second_commission')
    ),
    'open_refund', (
      select r.status
        from public.refunds as r
       where r.payment_id = p_payment.id and r.status in ('open', 'unknown')
       order by r.id desc
       limit 1
    )
  );
$$;

revoke all on function private.payment_summary from public, anon, authenticated, service_role;
comment on function private.payment_summary is 'Returns what an admin''s list shows of a payment';

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
    when 'balance', 'commission', 'second_commission' then
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

-- Verifies that payments, their fulfilment, refunds and the balance ledger agree. For admins and tests.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: table (payment_id bigint, wrong text), one row per contradiction; none if everything agrees.
-- Errors: none.
create or replace function public.check_payments()
returns table (payment_id bigint, wrong text)
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with sums as (
    select
      p.id,
      p.status,
      p.amount,
      p.refunded,
      p.disputed,
      p.problem,
      p.order_id,
      (select sum(o.amount) from public.payment_operations as o where o.payment_id = p.id and o.kind = 'paid') as paid,
      (
        select coalesce(sum(o.amount), 0)
          from public.payment_operations as o
         where o.payment_id = p.id
           and o.kind = 'dispute'
           and not o.is_undone
           and not private.has_other_currency(o)
      ) as in_dispute,
      (
        select greatest(
            coalesce(sum(o.amount) filter (where o.kind = 'refund' and not o.is_undone), 0),
            coalesce(max(o.amount) filter (where o.kind = 'refund_total'), 0)
          )
          from public.payment_operations as o
         where o.payment_id = p.id and not private.has_other_currency(o)
      ) as went_back,
      (
        select count(*)
          from public.payment_effects as e
         where e.payment_id = p.id and e.effect not in ('commission', 'second_commission')
      ) as effects
    from public.payments as p
  )
  select s.id, 'the amount differs from the charge' from sums as s where s.amount is distinct from s.paid
  union all
  select s.id, 'the disputed sum differs from the disputes'
    from sums as s
   where s.disputed <> s.in_dispute
  union all
  select s.id, 'the refunded sum differs from the refunds'
    from sums as s
   where s.refunded <> s.went_back
  union all
  select s.id, 'the status does not follow from the sums'
    from sums as s
   where (s.amount is not null) <> (s.status in ('completed', 'refunded'))
      or (s.amount > 0 and (s.refunded + s.disputed >= s.amount) <> (s.status = 'refunded'))
  union all
  select s.id, 'paid and not fulfilled' from sums as s where s.amount is not null and s.problem is null and s.effects <> 1
  union all
  select s.id, 'fulfilled and not paid' from sums as s where s.effects > 0 and (s.problem is not null or s.amount is null)
  union all
  select s.id, 'an order was fulfilled twice'
    from sums as s
   where s.effects > 0
     and exists (select from sums as t where t.order_id = s.order_id and t.id < s.id and t.effects > 0)
  union all
  select s.id, 'the discount of a fulfilled order is not consumed'
    from sums as s
    join public.orders as o on o.id = s.order_id
    join public.promocode_usages as u on u.promocode_id = o.promocode_id and u.user_id = o.user_id
   where s.effects > 0 and u.consumed_at is null
  union all
  select s.id, 'its discount was used for another order, too'
    from sums as s
    join public.orders as o on o.id = s.order_id
   where s.effects > 0
     and exists (
       select
         from public.orders as p
        where p.promocode_id = o.promocode_id
          and p.user_id = o.user_id
          and p.id < o.id
          and exists (
            select
              from public.payments as q
              join public.payment_effects as e on e.payment_id = q.id
             where q.order_id = p.id
          )
     )
  union all
  select s.id, 'fully refunded and not reversed'
    from sums as s
    join public.payment_effects as e on e.payment_id = s.id
   where s.status = 'refunded' and e.reversal_target <> e.given
  union all
  select r.payment_id, 'a refund is done without its operation'
    from public.refunds as r
   where r.status = 'done'
     and not exists (
       select from public.payment_operations as o
        where o.payment_id = r.payment_id
          and o.kind in ('refund', 'refund_total')
          and o.operation_id = r.operation_id
          and o.amount >= r.amount
          and not o.is_undone
     )
  union all
  select p.id, 'the ledger differs from what was paid from balance'
    from public.payments as p
   where p.provider = 'balance'
     and coalesce(p.refunded - p.amount, 0) <> (
       select coalesce(sum(t.amount), 0)
         from public.balance_transactions as t
        where t.reference = p.provider_payment_id || ':paid'
           or t.reference in (select 'refunds:' || r.id from public.refunds as r where r.payment_id = p.id)
     )
  union all
  select e.payment_id, 'the ledger differs from the balance effects'
    from public.payment_effects as e
   where e.effect in ('balance', 'commission', 'second_commission')
     and e.given - e.reversed <> (
       select coalesce(sum(t.amount), 0)
         from public.balance_transactions as t
        where t.reference like format('payments:%s:%s:%%', e.payment_id, e.effect)
     );
$$;

revoke all on function public.check_payments from public, anon, authenticated, service_role;
grant execute on function public.check_payments to bot_backend, service_role;
comment on function public.check_payments is 'Verifies that payments, their fulfilment and the ledger agree';

-- Grants what a payment was made for: plan time, bonus credits, balance, a course or a gift. Completes the order, consumes its
-- discount, creates or extends the renewal, cancels the renewals that it replaces, pays the commissions of the referrer and of
-- the user who had invited the referrer, and sends the buyer a message and the admins a notice (private.notify_purchase). A
-- purchase from balance shows its buyer the result on its own screen instead; a payment that was refunded before it arrived
-- sends none.
--
-- Concurrency: the caller holds the payment and its order and has checked that nothing was granted; effects are also unique per
--   payment. Buyer, referrer and second referrer are locked in the order of their ids, so that two payments with the
--   same users cannot deadlock.
-- Locks: payment and order (held by the caller), buyer, referrer and second referrer by id (NO KEY UPDATE), then the buyer's
--   subscriptions, other orders with the same discount by id, broadcasts that the buyer received, and renewals; before those,
--   as private.count_milestone.
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
  v_second_id bigint;
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
  select r.referrer_id into v_second_id
    from public.user_referrals as r
   where private.setting('referral_second_percent')::numeric > 0
     and r.referred_id = v_referrer_id and r.status = 'completed' and r.referrer_id <> p_payment.user_id;
  perform from public.users as u
    where u.id in (p_payment.user_id, v_referrer_id, v_second_id)
    order by u.id
      for no key update;
  select u.id into v_referrer_id from public.users as u where u.id = v_referrer_id;  -- null: erased in between
  select u.id into v_second_id from public.users as u where u.id = v_second_id and u.banned_at is null;

  select g.given, g.ends_at into v_given, v_ends_at
    from private.grant_purchase(
      p_payment, v_purchase.kind, v_purchase.plan, v_purchase.period, v_purchase.quantity
    ) as g;
  perform private.pay_commission(p_payment, v_referrer_id);
  perform private.pay_commission(p_payment, v_second_id, 'second_commission');
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
  if p_payment.amount > 0 and p_payment.status <> 'refunded' then
    perform private.notify_purchase(p_payment, v_purchase.product_key, v_purchase.bot);
  end if;
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

-- Notifies the buyer that a dispute was decided in their favor: the money is refunded, and which part of the purchase was
-- reversed.
--
-- Concurrency: the caller calls once, when the dispute is decided.
-- Locks: none.
-- Returns: jsonb, the messages to deliver now (outgoing); empty if the dispute moved no money or the payment was never
--   fulfilled.
-- Errors: none.
create or replace function private.notify_dispute_lost(p_payment_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payment public.payments;
  v_payer record;
  v_effect record;
  v_plan jsonb;
begin
  select p.* into v_payment from public.payments as p where p.id = p_payment_id;
  select b.* into v_payer from private.find_payer(v_payment) as b;
  if v_payment.disputed = 0 or v_payment.problem is not null or v_payer.product_key is null then
    return '[]'::jsonb;
  end if;
  select e.effect, e.reversed, s.plan into v_effect
    from public.payment_effects as e
    left join public.subscriptions as s on s.id = e.subscription_id
   where e.payment_id = p_payment_id
     and e.effect not in ('commission', 'second_commission') and e.user_id = v_payer.user_id and e.reversed > 0;
  v_plan := private.plan_of(v_payer.user_id);
  return private.enqueue_user_message(
    v_payer.user_id,
    v_payer.bot,
    case
      when v_effect.effect = 'credits' then 'dispute_lost_credits'
      when v_effect.effect = 'balance' then 'dispute_lost_balance'
      when v_effect.plan <> v_plan ->> 'plan' then 'dispute_lost_plan'
      when v_effect.plan is not null and v_plan ->> 'ends_at' is not null then 'dispute_lost_time'
      else 'dispute_lost'
    end,
    jsonb_build_object(
      'title', private.product_titles(v_payer.product_key),
      'money', jsonb_build_object('amount', v_payment.disputed, 'currency', v_payment.currency),
      'plan', jsonb_build_object('plan', v_effect.plan),
      'until', jsonb_build_object('date', v_plan ->> 'ends_at'),
      'quantity', case v_effect.effect
        when 'balance' then jsonb_build_object(
          'amount', v_effect.reversed, 'currency', private.setting('balance_currency')
        )
        else to_jsonb(trim_scale(v_effect.reversed))
      end
    )
  );
end
$$;

revoke all on function private.notify_dispute_lost from public, anon, authenticated, service_role;
comment on function private.notify_dispute_lost is 'Notifies the buyer what a dispute that they won has reversed';

-- Pays the commission for a payment in balance_currency: to the buyer's referrer (setting referral_commission_percent), or with
-- the effect second_commission to the user who had invited the referrer (referral_second_percent). A payment from balance earns
-- none: the top-up that it spends has earned it already.
--
-- Concurrency: an effect is unique per payment, so it is paid once. The caller holds the users.
-- Locks: user (held by the caller).
-- Returns: void
-- Errors: those of public.adjust_balance.
create or replace function private.pay_commission(
  p_payment public.payments, p_user_id bigint, p_effect text default 'commission'
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_share numeric := round(
    p_payment.amount
    * private.setting(
      case p_effect when 'commission' then 'referral_commission_percent' else 'referral_second_percent' end
    )::numeric / 100, 2
  );
begin
  if p_user_id is null
    or v_share <= 0
    or p_payment.currency <> private.setting('balance_currency')
    or p_payment.provider = 'balance'
  then
    return;
  end if;
  insert into public.payment_effects (payment_id, effect, user_id, given)
  values (p_payment.id, p_effect, p_user_id, v_share)
  on conflict (payment_id, effect) do nothing;
  if found then
    perform private.adjust_balance_for_payment(
      p_user_id, v_share, case p_effect when 'commission' then 'referral commission' else 'second referral commission' end,
      p_payment.id, p_effect, 0
    );
  end if;
end
$$;

revoke all on function private.pay_commission from public, anon, authenticated, service_role;
comment on function private.pay_commission is 'Pays a commission for a payment';

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
      when v_effect.effect in ('balance', 'commission', 'second_commission') then round(v_effect.given * v_share, 2)
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

alter table public.payment_effects drop constraint payment_effects_effect_check;

alter table public.payment_effects add constraint payment_effects_effect_check CHECK ((effect = ANY (ARRAY['subscription'::text, 'credits'::text, 'balance'::text, 'course'::text, 'gift'::text, 'commission'::text, 'second_commission'::text])));

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "referral_second_percent", "about": "Percent of a payment in balance_currency that the user who had invited the referrer receives; 0: none", "value": 0}') on conflict do nothing;
