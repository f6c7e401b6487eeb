-- Renewals.

alter table public.orders add column renewal_id bigint;

alter table public.renewals add column asked_at timestamp with time zone;

alter table public.renewals add column busy_until timestamp with time zone;

alter table public.renewals add column charge_at timestamp with time zone;

-- How far each bot's list of Star transactions has been read. The list only grows, the oldest come first.

create table public.star_positions (
  bot text primary key,
  position integer not null default 0 check (position >= 0),
  since timestamptz not null default private.clock() - interval '7 days',
  read_at timestamptz
);

comment on table public.star_positions is 'How far each bot''s list of Star transactions has been read';
comment on column public.star_positions.position is 'How many transactions were read';
comment on column public.star_positions.since is 'What happened before was not sold here: it is passed over';
alter table public.star_positions enable row level security;
revoke all on table public.star_positions from public, anon, authenticated, service_role;

-- Tells what a person may use, and of what it would be taken: of a subscription, then bonus credits, then free trainings.
--
-- Twice or at once: only reads. Whoever takes something locks the person's row first.
-- Returns: jsonb {has_access, access_type: subscription | credits | trainings | none, details}. access_type is the first
--   thing of which p_quantity would be taken; of credits and trainings together there must be enough. A plan above the
--   free one, or being an admin, is a subscription. Who is banned may use nothing.
--   details {plan, ends_at, bonus_credits, free_trainings, is_admin, is_banned}.
-- Errors: none.
create or replace function private.access_of(p_user public.users, p_quantity integer)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_level integer := private.level_of(p_user.id);
  v_plan text;
  v_ends_at timestamptz;
  v_trainings bigint;
  v_type text;
begin
  select l.plan into v_plan
    from public.subscription_limits as l
   where l.vip_level <= v_level
   order by l.vip_level desc
   limit 1;
  if v_level > 0 then
    select nullif(
        max(
          case
            when s.ends_at is null then 'infinity'
            when s.ends_at > private.clock() then s.ends_at
            else private.kept_until(s.user_id, s.plan, s.source, s.ends_at)
          end
        ),
        'infinity'
      )
      into v_ends_at
      from public.subscriptions as s
     where s.user_id = p_user.id and s.plan = v_plan and s.status = 'active';
  end if;
  select coalesce(sum(f.quantity - f.used), 0) into v_trainings
    from public.free_trainings as f
   where f.user_id = p_user.id;
  v_type := case
    when p_user.id is null or p_user.banned_at is not null then 'none'
    when v_level > 0 or p_user.is_admin then 'subscription'
    when p_user.bonus_credits + v_trainings < p_quantity then 'none'
    when p_user.bonus_credits > 0 then 'credits'
    else 'trainings'
  end;
  return jsonb_build_object(
    'has_access', v_type <> 'none',
    'access_type', v_type,
    'details', jsonb_build_object(
      'plan', v_plan,
      'ends_at', v_ends_at,
      'bonus_credits', coalesce(p_user.bonus_credits, 0),
      'free_trainings', v_trainings,
      'is_admin', coalesce(p_user.is_admin, false),
      'is_banned', p_user.banned_at is not null
    )
  );
end
$$;

revoke all on function private.access_of from public, anon, authenticated;
comment on function private.access_of is 'What a person may use, and of what it would be taken';

-- Applies one thing that happened (shared/payments/notice.py) to the payment it is about.
--
-- Twice or at once: the payment's row is made once and locked; what moved is kept by its own number, so a repetition
--   changes no sum. A dispute that was decided and a refund that failed stay so, whatever comes later.
-- Returns: jsonb array of the messages that are owed now.
-- Errors: none of its own.
create or replace function private.apply_payment_notice(p_provider text, p_notice jsonb, p_accept_test boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_kind text := p_notice ->> 'kind';
  v_payment public.payments;
  v_outgoing jsonb := '[]'::jsonb;
begin
  if v_kind = 'other' then
    return v_outgoing;
  elsif v_kind like 'subscription\_%' then
    return private.change_renewal(p_provider, p_notice);
  elsif p_notice ->> 'payment_id' is null then
    -- An attempt that never became a charge: only the order can hear of it.
    return private.note_order_trouble(p_provider, p_notice);
  end if;

  insert into public.payments as p (provider, provider_payment_id)
  values (p_provider, p_notice ->> 'payment_id')
  on conflict (provider, provider_payment_id) do nothing;
  select p.* into v_payment
    from public.payments as p
   where p.provider = p_provider and p.provider_payment_id = p_notice ->> 'payment_id'
     for update;
  update public.payments as p
     set currency = coalesce(p.currency, case when v_kind = 'paid' then p_notice ->> 'currency' end),
         has_failed = p.has_failed or v_kind = 'failed',
         is_canceled = p.is_canceled or v_kind = 'canceled',
         is_test = p.is_test or coalesce((p_notice ->> 'is_test')::boolean, false),
         -- A repetition does not bring back what its renewal has taken over, or dropped.
         saved_method = case
           when p.completed_at is null then coalesce(p_notice ->> 'saved_method', p.saved_method)
           else p.saved_method
         end,
         claims = p.claims || jsonb_strip_nulls(
           jsonb_build_object(
             'order_id', p_notice -> 'order_id',
             'subscription_id', p_notice -> 'subscription_id',
             -- Who paid is told once: 0 of somebody who was erased stays.
             'telegram_id', coalesce(p.claims -> 'telegram_id', p_notice -> 'telegram_id'),
             'payer', case when v_kind = 'paid' then p_notice -> 'payer' end
           )
         )
   where p.id = v_payment.id;
  if v_kind in ('paid', 'refunded', 'refund_failed', 'disputed', 'dispute_won', 'dispute_lost') then
    perform private.keep_operation(v_payment.id, p_notice);
  end if;
  v_outgoing := private.settle_payment(v_payment.id, p_accept_test);
  if v_kind in ('refunded', 'refund_failed') then
    v_outgoing := v_outgoing || private.close_refund(v_payment.id, p_notice);
  end if;
  return v_outgoing;
end
$$;

revoke all on function private.apply_payment_notice from public, anon, authenticated;
comment on function private.apply_payment_notice is 'Applies one thing that happened to the payment it is about';

-- Notes that a person wants a renewal no more: nothing is charged again, what was paid still runs, and with what it was
-- charged is forgotten.
--
-- Twice or at once: the renewal's row is locked; one that is canceled stays so. While the provider is being asked for the
--   next period it is too late, and too early to say so: that takes a minute at most.
-- Returns: jsonb {outcome: canceled | known | unknown | busy, charged_until, is_over}; is_over: what was paid is over
--   already.
-- Errors: none.
create or replace function public.cancel_renewal(p_user_id bigint, p_renewal_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_renewal public.renewals;
begin
  select r.* into v_renewal
    from public.renewals as r
   where r.id = p_renewal_id and r.user_id = p_user_id
     for update;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  elsif v_renewal.status in ('canceled', 'ended') then
    return jsonb_build_object(
      'outcome', 'known',
      'charged_until', v_renewal.charged_until,
      'is_over', v_renewal.charged_until <= private.clock()
    );
  elsif v_renewal.asked_at is not null and v_renewal.busy_until > private.clock() then
    return jsonb_build_object('outcome', 'busy');
  end if;
  update public.renewals as r
     set status = 'canceled',
         saved_method = null,
         -- An open try is looked after all the same: it may have been charged.
         charge_at = case
           when r.charge_at is not null and r.asked_at is null then greatest(r.charged_until, private.clock())
           else r.charge_at
         end
   where r.id = v_renewal.id;
  return jsonb_build_object(
    'outcome', 'canceled',
    'charged_until', v_renewal.charged_until,
    'is_over', v_renewal.charged_until <= private.clock()
  );
end
$$;

revoke all on function public.cancel_renewal from public, anon, authenticated;
grant execute on function public.cancel_renewal to bot_backend, service_role;
comment on function public.cancel_renewal is 'Notes that a person wants a renewal no more';

-- Applies what a provider says of a subscription of its own: active again, past due, canceled, ended.
--
-- Twice or at once: the renewal's row is locked, and a status it has already changes nothing. Of an erased person it
--   stays ended: money that still came for it would raise an alarm.
-- Returns: jsonb array of the messages that are owed now.
-- Errors: M0002, nobody here has this subscription (its first payment may still come: tell it again).
create or replace function private.change_renewal(p_provider text, p_notice jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_status text := substr(p_notice ->> 'kind', length('subscription_') + 1);
  v_renewal public.renewals;
  v_texts jsonb;
begin
  select r.* into v_renewal
    from public.renewals as r
   where r.provider = p_provider and r.provider_subscription_id = p_notice ->> 'subscription_id'
     for update;
  if not found then
    raise exception 'nobody has this subscription' using errcode = 'M0002';
  elsif v_renewal.status = v_status or v_renewal.user_id is null then
    return '[]'::jsonb;
  end if;
  update public.renewals as r
     set status = v_status, ended_at = case when v_status = 'ended' then private.clock() end
   where r.id = v_renewal.id;
  if v_status = 'ended' and v_renewal.status = 'canceled' then
    return '[]'::jsonb;  -- they were told when it was canceled
  end if;
  select p.texts into v_texts from public.products as p where p.key = v_renewal.product_key;
  return private.tell_person(
    v_renewal.user_id,
    v_renewal.bot,
    case
      when v_status = 'ended' and v_renewal.charged_until <= private.clock() then 'renewal_given_up'
      else 'renewal_' || v_status
    end,
    jsonb_build_object(
      'title', private.titles(v_texts),
      'until', jsonb_build_object(
        'date',
        v_renewal.charged_until + case v_status when 'past_due' then private.grace_period() else interval '0' end
      )
    )
  );
end
$$;

revoke all on function private.change_renewal from public, anon, authenticated;
comment on function private.change_renewal is 'Applies what a provider says of a subscription of its own';

-- Gives the renewals that are to be charged now with what was saved (p_providers: a list of keys), and ends those that
-- nothing shall be charged for any more.
--
-- Twice or at once: rows that somebody holds and people who are being erased are skipped. One that was given is open
--   until its outcome is recorded: it is given again, after ten minutes at first, with the same order and the same try,
--   so the provider knows it for the same. Whose outcome is still unknown after 20 hours (the provider forgets the key
--   after 24), or who has canceled since, is only to be looked for (is_look). Whose plan runs on in another way is
--   charged when that ends; of whom the last charge was given back or disputed, or who is banned, nothing is charged.
-- Returns: jsonb {looked, charges: [{id, attempt, order_id, provider, saved_method, is_look, asked_at, reference, texts,
--   amount, currency, contact, telegram_id, languages, bot}], outgoing}: looked is how many were due; asked_at is since
--   when the try is open, reference the provider's number of a charge that was under way.
-- Errors: none.
create or replace function public.claim_due_renewals(p_providers jsonb, p_limit integer default 1)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_renewal public.renewals;
  v_looked integer := 0;
  v_charge jsonb;
  v_charges jsonb := '[]'::jsonb;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_renewal in
    select r.*
      from public.renewals as r
     where r.charge_at <= v_now and p_providers ? r.provider
     order by r.charge_at
     limit p_limit
       for update skip locked
  loop
    v_looked := v_looked + 1;
    perform from public.users as u where u.id = v_renewal.user_id for key share skip locked;
    if not found then
      update public.renewals as r set charge_at = v_now + interval '1 minute' where r.id = v_renewal.id;
    elsif v_renewal.asked_at is null then
      v_outgoing := v_outgoing || private.prepare_renewal(v_renewal);
    end if;
    v_charge := private.open_charge(v_renewal.id);
    if v_charge is not null then
      v_charges := v_charges || v_charge;
    end if;
  end loop;
  return jsonb_build_object('looked', v_looked, 'charges', v_charges, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.claim_due_renewals from public, anon, authenticated;
grant execute on function public.claim_due_renewals to bot_backend, service_role;
comment on function public.claim_due_renewals is 'Gives the renewals that are to be charged now';

-- Finds what a payment was for, an order of ours or a period of a renewal (or both: an order that we made for a period),
-- and whether it is what we asked.
--
-- Twice or at once: the caller holds the payment's row; the order's row is locked, so of two charges for one order the
--   second is seen as such. Nothing was given yet.
-- Returns: the row, with its order or renewal, its person, and a problem for which nothing may be given.
-- Errors: none.
create or replace function private.claim_payment(p_payment public.payments, p_accept_test boolean)
returns public.payments
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_payment public.payments := p_payment;
  v_order public.orders;
  v_renewal public.renewals;
  v_has_other boolean;
  v_amount numeric;
  v_currency text;
  v_user_id bigint;
begin
  select o.* into v_order
    from public.orders as o
   where o.id = (p_payment.claims ->> 'order_id')::bigint and o.provider = p_payment.provider
     for update;
  select r.* into v_renewal
    from public.renewals as r
   where r.id = v_order.renewal_id
      or (
        r.provider = p_payment.provider
        and r.provider_subscription_id = p_payment.claims ->> 'subscription_id'
      )
     for update;
  v_has_other := exists (
    select from public.payments as p
     where p.order_id = v_order.id and p.id <> p_payment.id and p.problem is null and p.amount > 0
  );
  if v_renewal.id is not null and v_order.renewal_id is null and (v_order.id is null or v_has_other) then
    v_order := null;
    v_amount := v_renewal.amount;
    v_currency := v_renewal.currency;
    v_user_id := v_renewal.user_id;
  else
    v_renewal := null;
    v_amount := v_order.amount;
    v_currency := v_order.currency;
    v_user_id := v_order.user_id;
  end if;

  update public.payments as p
     set order_id = v_order.id,
         renewal_id = coalesce(v_order.renewal_id, v_renewal.id),
         user_id = v_user_id,
         problem = case
           when v_order.id is null and v_renewal.id is null then 'no_order'
           when p.is_test and not p_accept_test then 'test'
           when p.currency is distinct from v_currency then 'currency'
           when p.amount <> v_amount then 'amount'
           when v_user_id is null or not coalesce(
             (p.claims ->> 'telegram_id')::bigint
             = (select u.telegram_id from public.users as u where u.id = v_user_id),
             true
           ) then 'owner'
           when v_has_other and v_order.id is not null then 'second_charge'
         end
   where p.id = p_payment.id
  returning p.* into v_payment;
  return v_payment;
end
$$;

revoke all on function private.claim_payment from public, anon, authenticated;
comment on function private.claim_payment is 'Finds what a payment was for, and whether it is what we asked';

-- Notes that a try to charge a period was refused: the next one follows by the setting renewal_retry_hours; after the
-- last, or where the method can never be charged again (p_is_final), the renewal ends.
--
-- Twice or at once: the caller holds the order, the renewal's row is locked; without an open try nothing changes. The
--   next try has another key, so the provider does not answer it with this refusal.
-- Returns: jsonb array of the messages that are owed now; the person hears of the first refusal and of the end.
-- Errors: none.
create or replace function private.decline_renewal(p_order public.orders, p_is_final boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_renewal public.renewals;
  v_hours numeric;
  v_texts jsonb;
begin
  select r.* into v_renewal from public.renewals as r where r.id = p_order.renewal_id for update;
  if v_renewal.asked_at is null then
    return '[]'::jsonb;
  end if;
  update public.orders as o set checkout_reference = null where o.id = p_order.id;
  v_hours := (private.setting('renewal_retry_hours')::jsonb ->> v_renewal.attempts)::numeric;
  update public.renewals as r
     set status = case r.status when 'active' then 'past_due' else r.status end,
         attempts = r.attempts + 1,
         asked_at = null,
         busy_until = null,
         charge_at = case
           when r.status = 'canceled' then greatest(r.charged_until, v_now)
           when v_hours is null then greatest(v_now, r.charged_until + private.grace_period())
           else v_now + make_interval(secs => (v_hours * 3600)::double precision)
         end
   where r.id = v_renewal.id;
  if v_renewal.status = 'canceled' then
    return '[]'::jsonb;
  elsif p_is_final then
    return private.end_renewal(v_renewal, 'renewal_given_up');
  elsif v_renewal.status <> 'active' then
    return '[]'::jsonb;
  end if;
  select p.texts into v_texts from public.products as p where p.key = v_renewal.product_key;
  return private.tell_person(
    v_renewal.user_id,
    v_renewal.bot,
    'renewal_past_due',
    jsonb_build_object(
      'title', private.titles(v_texts),
      'until', jsonb_build_object('date', v_renewal.charged_until + private.grace_period())
    )
  );
end
$$;

revoke all on function private.decline_renewal from public, anon, authenticated;
comment on function private.decline_renewal is 'Notes that a try to charge a period was refused';

-- Ends a renewal that we charge ourselves: with what it was charged is dropped, the order that waited is given up.
--
-- Twice or at once: the caller holds the renewal's row. An order that somebody holds right now is passed over: money
--   may just have come for it, else its time runs out.
-- Returns: jsonb array of the messages that are owed now; none without p_key, the text that tells the person.
-- Errors: none.
create or replace function private.end_renewal(p_renewal public.renewals, p_key text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_texts jsonb;
begin
  update public.renewals as r
     set status = 'ended',
         ended_at = private.clock(),
         saved_method = null,
         charge_at = null,
         asked_at = null,
         busy_until = null
   where r.id = p_renewal.id;
  perform private.give_up_orders(p_renewal.id);
  if p_key is null then
    return '[]'::jsonb;
  end if;
  select p.texts into v_texts from public.products as p where p.key = p_renewal.product_key;
  return private.tell_person(
    p_renewal.user_id,
    p_renewal.bot,
    p_key,
    jsonb_build_object(
      'title', private.titles(v_texts), 'until', jsonb_build_object('date', p_renewal.charged_until)
    )
  );
end
$$;

revoke all on function private.end_renewal from public, anon, authenticated;
comment on function private.end_renewal is 'Ends a renewal that we charge ourselves';

-- Closes an open try of which the provider knows nothing: the next one has another key. That of a canceled renewal was
-- the last.
--
-- Twice or at once: the renewal's row is locked; only the try that was looked for is closed.
-- Returns: nothing.
-- Errors: none.
create or replace function public.forget_charge(p_renewal_id bigint, p_attempt integer)
returns void
language sql
volatile
security definer
set search_path = ''
as $$
  update public.renewals as r
     set asked_at = null,
         busy_until = null,
         attempts = r.attempts + 1,
         charge_at = greatest(r.charged_until, private.clock())
   where r.id = p_renewal_id and r.attempts = p_attempt and r.asked_at is not null;
$$;

revoke all on function public.forget_charge from public, anon, authenticated;
grant execute on function public.forget_charge to bot_backend, service_role;
comment on function public.forget_charge is 'Closes a try of which the provider knows nothing';

-- Gives what was paid for: time of a plan, bonus credits or balance; completes the order, uses up its discount, keeps
-- the renewal, pays the referrer's commission, and tells the buyer.
--
-- Twice or at once: the caller holds the payment and its order and has seen that nothing was given; each effect is
--   unique besides. Both people are locked in the order of their ids.
-- Returns: jsonb array of the messages that are owed now.
-- Errors: none.
create or replace function private.give_for_payment(p_payment public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_bought record;
  v_referrer_id bigint;
  v_given numeric;
  v_subscription_id bigint;
  v_ends_at timestamptz;
begin
  select b.kind, b.plan, b.period, b.quantity, b.bot, p.texts
    into v_bought
    from (
      select o.product_key, o.kind, o.plan, o.period, o.quantity, o.bot
        from public.orders as o
       where o.id = p_payment.order_id
      union all
      select r.product_key, r.kind, r.plan, r.period, null::numeric, r.bot
        from public.renewals as r
       where r.id = p_payment.renewal_id and p_payment.order_id is null
    ) as b
    join public.products as p on p.key = b.product_key;
  select r.referrer_id into v_referrer_id
    from public.user_referrals as r
   where r.referred_id = p_payment.user_id and r.status = 'completed';
  perform from public.users as u
    where u.id in (p_payment.user_id, v_referrer_id)
    order by u.id
      for no key update;
  select u.id into v_referrer_id from public.users as u where u.id = v_referrer_id;  -- erased meanwhile: null

  case v_bought.kind
    when 'subscription' then
      select e.subscription_id, e.seconds into v_subscription_id, v_given
        from private.extend_subscription(p_payment.user_id, v_bought.plan, 'purchase', v_bought.period, null) as e;
      select s.ends_at into v_ends_at from public.subscriptions as s where s.id = v_subscription_id;
    when 'credits' then
      v_given := v_bought.quantity;
      update public.users as u set bonus_credits = u.bonus_credits + v_given::integer where u.id = p_payment.user_id;
    when 'balance' then
      v_given := v_bought.quantity;
      perform private.move_balance(p_payment.user_id, v_given, 'payment', p_payment.id, 'balance', 0);
    else
      v_given := 1;
  end case;
  insert into public.payment_effects (payment_id, effect, user_id, subscription_id, given)
  values (p_payment.id, v_bought.kind, p_payment.user_id, v_subscription_id, v_given);
  perform private.pay_commission(p_payment, v_referrer_id);

  update public.orders as o
     set status = 'completed', completed_at = v_now
   where o.id = p_payment.order_id and o.status <> 'completed';
  perform private.consume_discount(p_payment.order_id);
  perform private.keep_renewal(p_payment, v_ends_at);
  if p_payment.status = 'refunded' then
    return '[]'::jsonb;
  end if;
  return private.tell_person(
    p_payment.user_id,
    v_bought.bot,
    case when p_payment.renewal_id is null then 'paid_' || v_bought.kind else 'renewed' end,
    jsonb_build_object('title', private.titles(v_bought.texts))
    || case v_bought.kind
         when 'subscription' then jsonb_build_object('until', jsonb_build_object('date', v_ends_at))
         when 'course' then '{}'
         else jsonb_build_object('quantity', trim_scale(v_given))
       end
  );
end
$$;

revoke all on function private.give_for_payment from public, anon, authenticated;
comment on function private.give_for_payment is 'Gives what was paid for';

-- Gives up the open orders of a renewal; late money is honoured all the same.
--
-- Twice or at once: the caller holds the renewal's row, others lock the order before it: so an order that somebody holds is
--   passed over.
-- Returns: nothing.
-- Errors: none.
create or replace function private.give_up_orders(p_renewal_id bigint)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  update public.orders as o
     set status = 'canceled'
    from (
      select w.id
        from public.orders as w
       where w.renewal_id = p_renewal_id and w.status = 'pending'
         for update skip locked
    ) as w
   where o.id = w.id;
$$;

revoke all on function private.give_up_orders from public, anon, authenticated;
comment on function private.give_up_orders is 'Gives up the open orders of a renewal';

-- Tells whether the last charge of a renewal was given back whole or is disputed: who has their money back is not charged
-- again.
--
-- Twice or at once: only reads.
-- Returns: true or false.
-- Errors: none.
create or replace function private.is_given_back(p_renewal public.renewals)
returns boolean
language sql
stable
security invoker
set search_path = ''
as $$
  select coalesce(
    (
      select p.status = 'refunded' or p.disputed > 0
        from public.payments as p
       where p.amount > 0
         and p.problem is null
         and (
           p.renewal_id = p_renewal.id
           or p.order_id = nullif(split_part(p_renewal.provider_subscription_id, 'order:', 2), '')::bigint
         )
       order by p.id desc
       limit 1
    ),
    false
  );
$$;

revoke all on function private.is_given_back from public, anon, authenticated;
comment on function private.is_given_back is 'Whether the last charge of a renewal was given back';

-- Keeps that a payment will be repeated each period, or that it was. What the next one is charged with moves from the
-- payment to the renewal, where it is dropped when nothing shall be charged any more.
--
-- Twice or at once: a renewal is unique by the provider's number; the caller holds the payment.
-- Returns: nothing.
-- Errors: none.
create or replace function private.keep_renewal(p_payment public.payments, p_ends_at timestamptz)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  update public.renewals as r
     set status = case when r.status = 'past_due' then 'active' else r.status end,
         attempts = 0,
         asked_at = null,
         busy_until = null,
         saved_method = case
           when r.status in ('active', 'past_due') and r.saved_method is not null
             then coalesce(p_payment.saved_method, r.saved_method)
         end,
         charge_at = case when r.charge_at is not null then p_ends_at end,
         charged_until = p_ends_at
   where r.id = p_payment.renewal_id;
  insert into public.renewals (
    user_id, product_key, provider, provider_subscription_id, currency, amount, plan, period, bot,
    saved_method, charged_until, charge_at
  )
  select
    o.user_id, o.product_key, o.provider,
    coalesce(p_payment.claims ->> 'subscription_id', 'order:' || o.id),
    o.currency, o.amount, o.plan, o.period, o.bot,
    case when p_payment.claims ->> 'subscription_id' is null then p_payment.saved_method end,
    p_ends_at,
    case when p_payment.claims ->> 'subscription_id' is null then p_ends_at end
    from public.orders as o
   where o.id = p_payment.order_id
     and o.renews
     and coalesce(p_payment.claims ->> 'subscription_id', p_payment.saved_method) is not null
  on conflict (provider, provider_subscription_id) do nothing;
  update public.payments as p set saved_method = null where p.id = p_payment.id and p.saved_method is not null;
end
$$;

revoke all on function private.keep_renewal from public, anon, authenticated;
comment on function private.keep_renewal is 'Keeps that a payment will be repeated each period';

-- Tells which of these events (p_keys: a list) a provider has told nobody here.
--
-- Twice or at once: only reads. An event that comes in between is recorded twice, which changes nothing.
-- Returns: jsonb, a list of keys.
-- Errors: none.
create or replace function public.missing_events(p_provider text, p_keys jsonb)
returns jsonb
language sql
volatile
security definer
set search_path = ''
as $$
  select coalesce(jsonb_agg(k.value), '[]'::jsonb)
    from jsonb_array_elements_text(p_keys) as k (value)
   where not exists (
     select from public.payment_events as e where e.provider = p_provider and e.event_key = k.value
   );
$$;

revoke all on function public.missing_events from public, anon, authenticated;
grant execute on function public.missing_events to bot_backend, service_role;
comment on function public.missing_events is 'Which of these events nobody has told us';

-- Notes how far a bot's list of Star transactions has been read, once what it tells is recorded.
--
-- Twice or at once: it only moves on; whoever read less changes nothing.
-- Returns: nothing.
-- Errors: none.
create or replace function public.move_star_position(p_bot text, p_position integer)
returns void
language sql
volatile
security definer
set search_path = ''
as $$
  update public.star_positions as s
     set position = greatest(s.position, p_position), read_at = private.clock()
   where s.bot = p_bot;
$$;

revoke all on function public.move_star_position from public, anon, authenticated;
grant execute on function public.move_star_position to bot_backend, service_role;
comment on function public.move_star_position is 'Notes how far a bot''s list of Star transactions has been read';

-- Notes what happened to an order before money came: it is being paid, an attempt failed, or it was given up. One that we
-- made for a period of a renewal stays open for the next try.
--
-- Twice or at once: the order's row is locked; the buyer is told of each once. A completed order stays completed.
-- Returns: jsonb array of the messages that are owed now.
-- Errors: none.
create or replace function private.note_order_trouble(p_provider text, p_notice jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_kind text := p_notice ->> 'kind';
  v_order public.orders;
  v_texts jsonb;
begin
  select o.* into v_order
    from public.orders as o
   where o.id = (p_notice ->> 'order_id')::bigint and o.provider = p_provider
     for update;
  if not found or v_order.status = 'completed' then
    return '[]'::jsonb;
  elsif v_order.renewal_id is not null then
    if v_kind not in ('failed', 'canceled') then
      return '[]'::jsonb;  -- nobody is at it: we are
    end if;
    return private.decline_renewal(v_order, v_kind = 'canceled');
  elsif v_order.status <> 'pending' then
    return '[]'::jsonb;
  elsif v_kind = 'canceled' then
    update public.orders as o set status = 'canceled' where o.id = v_order.id;
    return '[]'::jsonb;
  elsif v_kind not in ('pending', 'failed') or v_kind = any(v_order.told) then
    return '[]'::jsonb;
  end if;
  update public.orders as o set told = o.told || v_kind where o.id = v_order.id;
  select p.texts into v_texts from public.products as p where p.key = v_order.product_key;
  return private.tell_person(
    v_order.user_id, v_order.bot, 'payment_' || v_kind, jsonb_build_object('title', private.titles(v_texts))
  );
end
$$;

revoke all on function private.note_order_trouble from public, anon, authenticated;
comment on function private.note_order_trouble is 'Notes what happened to an order before money came';

-- Gives the open try of a renewal to whoever asks the provider now, for a minute; comes back to it later and later while
-- nobody says what became of it.
--
-- Twice or at once: the caller holds the renewal's row.
-- Returns: jsonb, see claim_due_renewals; null when no try is open.
-- Errors: none.
create or replace function private.open_charge(p_renewal_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_renewal public.renewals;
  v_order public.orders;
  v_user public.users;
begin
  update public.renewals as r
     set busy_until = v_now + interval '1 minute',
         charge_at = v_now + greatest(interval '10 minutes', (v_now - r.asked_at) / 6)
   where r.id = p_renewal_id and r.asked_at is not null and r.charge_at <= v_now
  returning r.* into v_renewal;
  if not found then
    return null;
  end if;
  v_order := private.order_period(v_renewal);
  select u.* into v_user from public.users as u where u.id = v_renewal.user_id;
  return jsonb_build_object(
    'id', v_renewal.id,
    'attempt', v_renewal.attempts,
    'order_id', v_order.id,
    'provider', v_renewal.provider,
    'saved_method', v_renewal.saved_method,
    'is_look', v_renewal.saved_method is null
      or v_user.banned_at is not null
      or v_renewal.asked_at < v_now - interval '20 hours',
    'asked_at', v_renewal.asked_at,
    'reference', v_order.checkout_reference,
    'texts', (select p.texts from public.products as p where p.key = v_renewal.product_key),
    'amount', v_order.amount::text,
    'currency', v_order.currency,
    'contact', v_order.contact,
    'telegram_id', v_user.telegram_id,
    'languages', jsonb_build_array(v_user.language, v_user.language_code),
    'bot', v_renewal.bot
  );
end
$$;

revoke all on function private.open_charge from public, anon, authenticated;
comment on function private.open_charge is 'Gives the open try of a renewal to whoever asks the provider now';

-- Gives the order for the period of a renewal that begins where the paid one ends.
--
-- Twice or at once: the caller holds the renewal's row; the order's reference is made of the renewal and the period, so a
--   period has one, however often it is tried.
-- Returns: the order.
-- Errors: none.
create or replace function private.order_period(p_renewal public.renewals)
returns public.orders
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_reference text := format('renewals:%s:%s', p_renewal.id, extract(epoch from p_renewal.charged_until));
  v_order public.orders;
begin
  insert into public.orders (
    user_id, product_key, provider, currency, amount, kind, plan, period, renewal_id, contact, bot, reference,
    expires_at
  )
  values (
    p_renewal.user_id, p_renewal.product_key, p_renewal.provider, p_renewal.currency, p_renewal.amount,
    p_renewal.kind, p_renewal.plan, p_renewal.period, p_renewal.id,
    -- Where the receipt of the first one went.
    (
      select o.contact
        from public.orders as o
       where o.id = nullif(split_part(p_renewal.provider_subscription_id, 'order:', 2), '')::bigint
    ),
    p_renewal.bot, v_reference, private.clock() + interval '30 days'
  )
  on conflict (reference) do nothing;
  select o.* into v_order from public.orders as o where o.reference = v_reference;
  return v_order;
end
$$;

revoke all on function private.order_period from public, anon, authenticated;
comment on function private.order_period is 'The order for the next period of a renewal';

-- Decides what becomes of a renewal that is due: it ends, it waits for the end of what the person has in another way, or a try
-- to charge it begins (asked_at).
--
-- Twice or at once: the caller holds the renewal's row and its person, and no try is open.
-- Returns: jsonb array of the messages that are owed now.
-- Errors: none.
create or replace function private.prepare_renewal(p_renewal public.renewals)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_tries integer := 1 + jsonb_array_length(private.setting('renewal_retry_hours')::jsonb);
  v_paid_until timestamptz;
begin
  if p_renewal.status = 'canceled'
    or p_renewal.saved_method is null
    or exists (select from public.users as u where u.id = p_renewal.user_id and u.banned_at is not null)
    or private.is_given_back(p_renewal)
  then
    return private.end_renewal(p_renewal, null);
  end if;
  select max(s.ends_at) into v_paid_until
    from public.subscriptions as s
   where s.user_id = p_renewal.user_id
     and s.plan = p_renewal.plan
     and s.status = 'active';
  if v_paid_until > v_now then
    perform private.give_up_orders(p_renewal.id);
    update public.renewals as r
       set status = 'active', attempts = 0, charged_until = v_paid_until, charge_at = v_paid_until
     where r.id = p_renewal.id;
  elsif p_renewal.attempts >= v_tries or p_renewal.charged_until < v_now - interval '30 days' then
    return private.end_renewal(p_renewal, 'renewal_given_up');
  else
    update public.renewals as r set asked_at = v_now where r.id = p_renewal.id;
  end if;
  return '[]'::jsonb;
end
$$;

revoke all on function private.prepare_renewal from public, anon, authenticated;
comment on function private.prepare_renewal is 'Decides what becomes of a renewal that is due';

-- Tells people that what they bought, or their free trial, ends: three days before, one day before, and when it has ended.
-- Who renews is not reminded beforehand, and hears of the end when the days of grace are over; whose plan goes on by
-- something else, and what is shorter than the time before which it would be told, is not told of at all.
--
-- Twice or at once: subscriptions that somebody holds and people who are being erased are skipped; each reminder is kept and sent once. A reminder that
--   is late by more than a day is not sent: the next one is nearer the truth. An extended time is reminded of anew.
-- Returns: jsonb array of the messages that are owed now.
-- Errors: none.
create or replace function public.remind_of_ends(p_limit integer default 200)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_due record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select s.id, s.user_id, s.source, k.until, r.reminder, b.bot
      from public.subscriptions as s
      cross join lateral (
        select private.kept_until(s.user_id, s.plan, s.source, s.ends_at) as until
      ) as k
      cross join lateral (
        select case
            when k.until <= v_now then 'over'
            when k.until <= v_now + interval '1 day' then 'day'
            else 'days'
          end as reminder
      ) as r
      left join lateral (
        select coalesce(
            (select o.bot from public.orders as o where o.user_id = s.user_id order by o.id desc limit 1),
            -- Who has a trial or a promo code may have ordered nothing: by the bot they wrote to last.
            (
              select n.bot
                from public.bot_sessions as n
                join public.users as u on u.id = n.user_id
               where n.user_id = s.user_id and n.chat_id = u.telegram_id
               order by n.updated_at desc
               limit 1
            )
          ) as bot
      ) as b on true
     where s.source in ('purchase', 'trial', 'promo')
       and s.ends_at between v_now - interval '1 day' - private.grace_period() and v_now + interval '3 days'
       and k.until between v_now - interval '1 day' and v_now + interval '3 days'
       and s.status in ('active', 'expired')
       and s.reminded is distinct from r.reminder || ' ' || s.ends_at::text
       and s.starts_at < s.ends_at - case r.reminder
         when 'days' then interval '3 days'
         when 'day' then interval '1 day'
         else interval '0'
       end
       and not exists (
         select
           from public.subscriptions as a
           join public.subscription_limits as l on l.plan = a.plan
           join public.subscription_limits as m on m.plan = s.plan
          where a.user_id = s.user_id
            and a.status = 'active'
            and l.vip_level >= m.vip_level
            and (a.ends_at is null or a.ends_at > s.ends_at)
       )
       and (
         r.reminder = 'over'
         or not exists (
           select from public.renewals as n
            where n.user_id = s.user_id and n.status in ('active', 'past_due')
         )
       )
     order by s.ends_at
     limit p_limit
       for update of s skip locked
  loop
    perform from public.users as u where u.id = v_due.user_id for key share skip locked;
    continue when not found;
    update public.subscriptions as s
       set reminded = v_due.reminder || ' ' || s.ends_at::text
     where s.id = v_due.id;
    v_outgoing := v_outgoing || private.tell_person(
      v_due.user_id,
      v_due.bot,
      'ends_' || case v_due.source when 'trial' then 'trial_' else '' end || v_due.reminder,
      jsonb_build_object('until', jsonb_build_object('date', v_due.until))
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.remind_of_ends from public, anon, authenticated;
grant execute on function public.remind_of_ends to bot_backend, service_role;
comment on function public.remind_of_ends is 'Tells people that what they bought ends';

-- Tells from where on a bot's list of Star transactions is to be read.
--
-- Twice or at once: the row is made once, and only read after that.
-- Returns: jsonb {position, since}; what happened before `since` is passed over.
-- Errors: none.
create or replace function public.star_position(p_bot text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
  insert into public.star_positions (bot) values (p_bot) on conflict (bot) do nothing;
  return (
    select jsonb_build_object('position', s.position, 'since', s.since)
      from public.star_positions as s
     where s.bot = p_bot
  );
end
$$;

revoke all on function public.star_position from public, anon, authenticated;
grant execute on function public.star_position to bot_backend, service_role;
comment on function public.star_position is 'From where on a bot''s list of Star transactions is to be read';

-- Tells the buyer what became of their money: a refund, in part or whole, or that it is theirs again.
--
-- Twice or at once: the caller asks when the sums, or what was taken, have changed.
-- Returns: see private.tell_person.
-- Errors: none.
create or replace function private.tell_refund(p_payment public.payments, p_before public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_bought record;
  v_back numeric := p_payment.refunded + p_payment.disputed - p_before.refunded - p_before.disputed;
begin
  if v_back = 0 then  -- all of it was told before the payment itself
    v_back := p_payment.refunded + p_payment.disputed;
  end if;
  select b.bot, p.texts into v_bought
    from (
      select o.product_key, o.bot from public.orders as o where o.id = p_payment.order_id
      union all
      select r.product_key, r.bot
        from public.renewals as r
       where r.id = p_payment.renewal_id and p_payment.order_id is null
    ) as b
    join public.products as p on p.key = b.product_key;
  return private.tell_person(
    p_payment.user_id,
    v_bought.bot,
    case
      when p_payment.problem is not null then 'refunded_unused'
      when v_back < 0 then 'refund_undone'
      when p_payment.disputed > p_before.disputed then 'disputed'
      when p_payment.status = 'completed' then 'refunded_part'
      else 'refunded'
    end,
    jsonb_build_object(
      'title', private.titles(v_bought.texts),
      'money', jsonb_build_object('amount', abs(v_back), 'currency', p_payment.currency)
    )
  );
end
$$;

revoke all on function private.tell_refund from public, anon, authenticated;
comment on function private.tell_refund is 'Tells the buyer what became of their money';

-- Takes a person out of what is kept of their money. Accounting keeps orders, payments and what was given for them; by
-- their foreign keys they belong to nobody once the person's row is deleted.
--
-- Twice or at once: the caller holds the person alone, and whoever changes money of theirs holds them first
--   (private.hold_payers): nobody changes anything of it now.
-- Returns: nothing.
-- Errors: Y0002, a renewal is running: the provider would go on charging somebody whom we no longer know.
create or replace function private.erase_money(p_user public.users)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform from public.renewals as r where r.user_id = p_user.id order by r.id for update;
  if exists (
    select from public.renewals as r where r.user_id = p_user.id and r.status in ('active', 'past_due')
  ) then
    raise exception 'a renewal is running' using errcode = 'Y0002';
  end if;
  update public.renewals as r
     set status = 'ended',
         ended_at = coalesce(r.ended_at, private.clock()),
         saved_method = null,
         charge_at = null,
         asked_at = null,
         busy_until = null
   where r.user_id = p_user.id;

  perform private.strip_events(array(select e.id from public.payment_events as e where e.user_id = p_user.id));
  -- Whose the others are only their text may tell.
  perform private.strip_events(
    array(
      select e.id
        from public.payment_events as e
       where e.user_id is null
         and e.body <> ''
         and exists (
           select
             from (
               select p_user.telegram_id::text as word
               union all
               select o.contact from public.orders as o where o.user_id = p_user.id
             ) as w
            where strpos(e.body, w.word) > 0 or strpos(e.body, replace(w.word, '@', '%40')) > 0
         )
    )
  );
  perform private.strip_payments(
    array(
      select p.id from public.payments as p where p.user_id = p_user.id
      union
      select p.id from public.payments as p where p.claims ->> 'telegram_id' = p_user.telegram_id::text
    )
  );
  update public.orders as o
     set status = case o.status when 'pending' then 'canceled' else o.status end,
         contact = null,
         checkout_url = null,
         checkout_reference = null
   where o.user_id = p_user.id;
end
$$;

revoke all on function private.erase_money from public, anon, authenticated;
comment on function private.erase_money is 'Takes a person out of what is kept of their money';

-- Ends the subscriptions whose time is over, days of grace included, of p_limit people at most.
--
-- Twice or at once: people whose row somebody holds are skipped and found again by the next sweep; the row is
--   locked before their subscriptions, as everybody does.
-- Returns: of how many people.
-- Errors: none.
create or replace function private.expire_subscriptions(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_user_id bigint;
  v_people integer := 0;
begin
  for v_user_id in
    select u.id
      from public.users as u
     where u.id in (
       select s.user_id
         from public.subscriptions as s
        where s.status = 'active'
          and s.ends_at <= v_now
          and private.kept_until(s.user_id, s.plan, s.source, s.ends_at) <= v_now
        order by s.ends_at
        limit p_limit
     )
     order by u.id
       for no key update skip locked
  loop
    update public.subscriptions as s
       set status = 'expired', ended_at = v_now
     where s.user_id = v_user_id
       and s.status = 'active'
       and s.ends_at <= v_now
       and private.kept_until(s.user_id, s.plan, s.source, s.ends_at) <= v_now;
    if found then  -- another sweep may have done it between the two statements
      perform private.refresh_access(v_user_id);
      v_people := v_people + 1;
    end if;
  end loop;
  return v_people;
end
$$;

revoke all on function private.expire_subscriptions from public, anon, authenticated;
comment on function private.expire_subscriptions is 'Ends the subscriptions whose time is over';

-- Gives a person a plan for a period, or for some seconds: from the end of what they have of it, wherever it is from, or
-- from now. Only what admins give runs beside all else. In the days of grace after that end it is still the end that
-- counts: they were not free.
--
-- Twice or at once: the person's row is locked, so two purchases follow one another. Every call extends: the caller
--   sees to it that it asks once.
-- Returns: the subscription and the seconds that were added.
-- Errors: none.
create or replace function private.extend_subscription(
  p_user_id bigint,
  p_plan text,
  p_source text,
  p_period text,
  p_seconds numeric,
  out subscription_id bigint,
  out seconds numeric
)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_running public.subscriptions;
  v_last public.subscriptions;
  v_start timestamptz;
  v_anchor_day smallint;
  v_end timestamptz;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  select s.* into v_running
    from public.subscriptions as s
   where s.user_id = p_user_id and s.plan = p_plan and s.source = p_source
     and s.status = 'active' and private.kept_until(s.user_id, s.plan, s.source, s.ends_at) > v_now
   order by s.ends_at desc
   limit 1
     for update;
  select s.* into v_last
    from public.subscriptions as s
   where s.user_id = p_user_id and s.plan = p_plan and s.source <> 'admin'
     and s.status = 'active' and private.kept_until(s.user_id, s.plan, s.source, s.ends_at) > v_now
   order by s.ends_at desc
   limit 1;
  v_start := coalesce(v_last.ends_at, v_now);
  v_anchor_day := private.anchor_day(v_start, v_last.anchor_day);
  v_end := case
    when p_period is null then v_start + make_interval(secs => p_seconds::double precision)
    else private.add_period(v_start, p_period, v_anchor_day)
  end;
  if v_running.id is not null then
    update public.subscriptions as s
       set ends_at = v_end, anchor_day = v_anchor_day
     where s.id = v_running.id;
    subscription_id := v_running.id;
  else
    update public.subscriptions as s  -- over, and no sweep has come by yet
       set status = 'expired', ended_at = v_now
     where s.user_id = p_user_id and s.plan = p_plan and s.source = p_source and s.status = 'active';
    insert into public.subscriptions as s (user_id, plan, source, starts_at, ends_at, anchor_day)
    values (p_user_id, p_plan, p_source, v_now, v_end, v_anchor_day)
    returning s.id into subscription_id;
  end if;
  seconds := extract(epoch from v_end - v_start);
  perform private.refresh_access(p_user_id);
end
$$;

revoke all on function private.extend_subscription from public, anon, authenticated;
comment on function private.extend_subscription is 'Gives a person a plan for a period';

-- Tells how long a plan that renews stays after its end while the charge is late: shorter than any month, so that the
-- late charge, which continues from the old end, always ends later than now.
--
-- Twice or at once: only reads.
-- Returns: the interval.
-- Errors: none.
create or replace function private.grace_period()
returns interval
language sql
stable
security invoker
set search_path = ''
as $$
  select make_interval(days => greatest(0, least(27, private.setting('grace_days')::integer)));
$$;

revoke all on function private.grace_period from public, anon, authenticated;
comment on function private.grace_period is 'How long a plan stays after its end while its renewal is late';

-- Tells when a plan stops: at its end, or where a renewal of it is running, some days (setting grace_days) later: a charge
-- may be late. What admins give stops when they said.
--
-- Twice or at once: only reads.
-- Returns: the moment; null without an end.
-- Errors: none.
create or replace function private.kept_until(p_user_id bigint, p_plan text, p_source text, p_ends_at timestamptz)
returns timestamptz
language sql
stable
security invoker
set search_path = ''
as $$
  select p_ends_at + case
      when p_source <> 'admin' and exists (
        select from public.renewals as r
         where r.user_id = p_user_id and r.plan = p_plan and r.status in ('active', 'past_due')
      ) then private.grace_period()
      else interval '0'
    end;
$$;

revoke all on function private.kept_until from public, anon, authenticated;
comment on function private.kept_until is 'When a plan stops, days of grace included';

-- Tells the highest level of the plans that run for a person now, days of grace included: the one place that says what
-- runs.
--
-- Twice or at once: only reads. Whoever means to keep the level locks the person's row first.
-- Returns: a subscription_limits.vip_level; 0 without a plan.
-- Errors: none.
create or replace function private.level_of(p_user_id bigint)
returns integer
language sql
volatile
security invoker
set search_path = ''
as $$
  select coalesce(max(l.vip_level), 0)
    from public.subscriptions as s
    join public.subscription_limits as l on l.plan = s.plan
   where s.user_id = p_user_id
     and s.status = 'active'
     and coalesce(private.kept_until(s.user_id, s.plan, s.source, s.ends_at), 'infinity') > (select private.clock());
$$;

revoke all on function private.level_of from public, anon, authenticated;
comment on function private.level_of is 'The highest level of the plans that run for a person';

-- Tells which plan a person has and until when: in the days of grace, until these are over.
--
-- Twice or at once: only reads.
-- Returns: jsonb {plan, ends_at}; ends_at is null without an end, and for the free plan.
-- Errors: none.
create or replace function private.plan_of(p_user_id bigint)
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
      'plan', q.plan,
      'ends_at', nullif(
        max(
          case
            when s.ends_at is null then 'infinity'
            when s.ends_at > private.clock() then s.ends_at
            else private.kept_until(s.user_id, s.plan, s.source, s.ends_at)
          end
        ),
        'infinity'
      )
    )
    from public.users as u
    cross join lateral private.quota(u.id, u.vip_level) as q
    left join public.subscriptions as s
      on s.user_id = u.id and s.status = 'active' and s.plan = q.plan
   where u.id = p_user_id
   group by q.plan;
$$;

revoke all on function private.plan_of from public, anon, authenticated;
comment on function private.plan_of is 'Which plan a person has and until when';

-- What a person has of time that was bought, and what renews it.
--
-- Twice or at once: only reads.
-- Returns: json {plan, ends_at, renewals: [{id, texts, provider, provider_subscription_id, status, amount, currency,
--   charged_until, kept_until, payment_id, payer}]}; kept_until ends the days of grace, payment_id is its last charge,
--   payer by what the provider knows who pays, where it has no number for them; renewals are those that are not over,
--   the newest first.
-- Errors: none.
create or replace function public.subscription_overview(p_user_id bigint)
returns json
language sql
volatile
security definer
set search_path = ''
as $$
  select json_build_object(
    'plan', private.plan_of(p_user_id) ->> 'plan',
    'ends_at', private.plan_of(p_user_id) ->> 'ends_at',
    'renewals', coalesce(
      (
        select json_agg(
            json_build_object(
              'id', r.id,
              'texts', p.texts,
              'provider', r.provider,
              'provider_subscription_id', r.provider_subscription_id,
              'status', r.status,
              'amount', r.amount::text,
              'currency', r.currency,
              'charged_until', r.charged_until,
              'kept_until', r.charged_until + private.grace_period(),
              'payment_id', l.provider_payment_id,
              'payer', l.claims ->> 'payer'
            )
            order by r.id desc
          )
          from public.renewals as r
          join public.products as p on p.key = r.product_key
          left join lateral (
            select y.provider_payment_id, y.claims
              from public.payments as y
             where y.renewal_id = r.id
                or (
                  y.user_id = p_user_id
                  and y.provider = r.provider
                  and y.claims ->> 'subscription_id' = r.provider_subscription_id
                )
             order by y.id desc
             limit 1
          ) as l on true
         where r.user_id = p_user_id and r.status <> 'ended'
      ),
      '[]'
    )
  );
$$;

revoke all on function public.subscription_overview from public, anon, authenticated;
grant execute on function public.subscription_overview to bot_backend, service_role;
comment on function public.subscription_overview is 'What a person has of time that was bought, and what renews it';

-- The column is new and empty in every row, so there is nothing to wait for.
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table public.orders add constraint orders_renewal_id_fkey FOREIGN KEY (renewal_id) REFERENCES public.renewals(id);

-- The column is new and empty.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX orders_renewal_idx ON public.orders USING btree (renewal_id);

-- The column is new and empty.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX renewals_charge_idx ON public.renewals USING btree (charge_at) WHERE (charge_at IS NOT NULL);

comment on column public.orders.renewal_id is 'Made by us for a period of this renewal';

comment on column public.orders.renews is 'It shall be paid again each period';

comment on column public.renewals.asked_at is 'Since when the present try is open; null: none is';

comment on column public.renewals.attempts is 'Tries of this period that charged nothing; a part of the next one''s key';

comment on column public.renewals.busy_until is 'Until when whoever asks the provider now has the try for themselves';

comment on column public.renewals.charge_at is 'When we look at it next: to charge it, to ask again, to end it; null: the provider has the schedule, or it is over';

comment on column public.renewals.charged_until is 'What is paid runs until then; the next period begins there';

comment on column public.renewals.saved_method is 'What we charge by ourselves; null: the provider has the schedule, or nothing is charged any more';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "grace_days", "about": "How many days a plan that renews stays after its end while the charge is late; 0 to 27", "value": 3}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "renewal_retry_hours", "about": "Hours from each declined charge of a saved method to the next; after the last it is given up", "value": [12, 24, 32]}') on conflict do nothing;
