-- Promo codes.

-- Made anew below with a parameter that has a default.
-- squawk-ignore ban-drop-function
drop function public.products_for_sale();

alter table public.orders add column full_amount numeric(12,2);

alter table public.orders add column promocode_id bigint;

-- Words that give something to whoever says them: a month, bonus credits, trainings, or a part off the next purchase.
-- Switching one off, or its end, takes nothing back from those who redeemed it.

create table public.promocodes (
  id bigint generated always as identity primary key,
  code text not null unique check (code ~ '^[A-Z0-9_-]{3,32}$'),
  kind text not null check (kind in ('month', 'credits', 'trainings', 'percent')),
  value integer not null,
  plan text references public.subscription_limits (plan) on update cascade,
  max_uses integer check (max_uses > 0),
  uses integer not null default 0 check (uses >= 0),
  valid_from timestamptz not null default private.clock(),
  valid_until timestamptz check (valid_until > valid_from),
  is_active boolean not null default true,
  note text,
  created_at timestamptz not null default private.clock(),
  check (uses <= max_uses),
  check ((kind = 'month') = (plan is not null)),
  check (
    value between 1 and case kind when 'month' then 36 when 'credits' then 1000000 when 'trainings' then 1000 else 99 end
  )
);

create index promocodes_plan_idx on public.promocodes (plan);

comment on table public.promocodes is 'Words that give something to whoever says them';
comment on column public.promocodes.code is 'In capitals: it is the same in whatever case it is written';
comment on column public.promocodes.value is 'How many months, bonus credits or trainings, or how many percent off';
comment on column public.promocodes.plan is 'What a month is of';
comment on column public.promocodes.max_uses is 'How many people it is for; null: for any number';
comment on column public.promocodes.uses is 'How many redeemed it, those who were erased since included';
comment on column public.promocodes.valid_until is 'A discount that was redeemed ends then, too; null: never';
comment on column public.promocodes.note is 'What it is for, for the admins';
alter table public.promocodes enable row level security;
revoke all on table public.promocodes from public, anon, authenticated, service_role;
revoke all on sequence public.promocodes_id_seq from public, anon, authenticated, service_role;

-- How often a person named a wrong promo code on their last day of doing so, so that codes cannot be guessed.

create table public.promocode_tries (
  user_id bigint primary key references public.users (id) on delete cascade,
  day date not null,
  tries integer not null default 0 check (tries >= 0),
  last_reference text
);

comment on table public.promocode_tries is 'How often a person named a wrong promo code';
comment on column public.promocode_tries.day is 'A day in the time zone of the setting quota_timezone; on another one all begins anew';
comment on column public.promocode_tries.last_reference is 'Of the last wrong one: told again it is the same one';
alter table public.promocode_tries enable row level security;
revoke all on table public.promocode_tries from public, anon, authenticated, service_role;

-- Who redeemed which promo code, and the discounts that wait for a purchase. Of somebody who was erased it goes, and
-- comes back with them (erased_people.used): once in a life.

create table public.promocode_usages (
  promocode_id bigint not null references public.promocodes (id),
  user_id bigint not null references public.users (id) on delete cascade,
  reference text unique,
  given jsonb not null,
  percent integer check (percent between 1 and 99),
  expires_at timestamptz,
  consumed_at timestamptz,
  created_at timestamptz not null default private.clock(),
  primary key (promocode_id, user_id)
);

create index promocode_usages_user_idx on public.promocode_usages (user_id);

comment on table public.promocode_usages is 'Who redeemed which promo code';
comment on column public.promocode_usages.reference is 'Given by the caller: the same one redeems once';
comment on column public.promocode_usages.given is 'What the person was told they got; empty for who was erased since and came back';
comment on column public.promocode_usages.percent is 'What the next one-off purchase costs less, in percent; null: it was no such code';
comment on column public.promocode_usages.expires_at is 'When the discount ends; null: never';
comment on column public.promocode_usages.consumed_at is 'When something was bought with the discount';
alter table public.promocode_usages enable row level security;
revoke all on table public.promocode_usages from public, anon, authenticated, service_role;

-- Makes a promo code in an admin's name.
--
-- Twice or at once: the code is unique, whatever case it is written in; with a reference it acts once, and a repetition
--   gets the code that it made.
-- Returns: jsonb {outcome: created | taken, promocode: see private.promocode_card}; taken: the one there is.
-- Errors: N0001 not an admin; N0003 the reference is known with another action or code; Z0007 what was given cannot
--   be a code: its letters, kind, number, plan, uses, times or note.
create or replace function public.admin_create_promocode(
  p_code text,
  p_kind text,
  p_value integer,
  p_admin_email text,
  p_max_uses integer default null,
  p_valid_until timestamptz default null,
  p_valid_from timestamptz default null,
  p_plan text default 'PREMIUM',
  p_note text default null,
  p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_note text := nullif(trim(p_note), '');
  v_promocode public.promocodes;
  v_known public.audit_log;
begin
  if length(v_note) > 500 or coalesce(p_valid_until <= private.clock(), false) then
    raise exception 'the note may have 500 characters, and the end must be to come' using errcode = 'Z0007';
  end if;
  v_known := private.known_action(p_reference, 'create_promocode', null);
  begin
    insert into public.promocodes as p (code, kind, value, plan, max_uses, valid_from, valid_until, note)
    values (
      upper(trim(p_code)), p_kind, p_value,
      case when p_kind = 'month' then p_plan end,
      p_max_uses, coalesce(p_valid_from, private.clock()), p_valid_until, v_note
    )
    on conflict (code) do nothing
    returning p.* into v_promocode;
  exception when check_violation or not_null_violation or foreign_key_violation then
    raise exception 'this cannot be a promo code: %', sqlerrm using errcode = 'Z0007';
  end;
  if v_promocode.id is null then
    select p.* into v_promocode from public.promocodes as p where p.code = upper(trim(p_code));
    if v_known.id is not null and v_known.after ->> 'code' <> v_promocode.code then
      raise exception 'this reference is known with another code' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'outcome', case when v_known.id is not null then 'created' else 'taken' end,
      'promocode', private.promocode_card(v_promocode)
    );
  end if;
  perform private.write_audit(
    v_email, 'create_promocode', null, p_reference, '{}',
    jsonb_strip_nulls(to_jsonb(v_promocode) - '{uses,is_active,created_at}'::text[])
  );
  return jsonb_build_object('outcome', 'created', 'promocode', private.promocode_card(v_promocode));
end
$$;

revoke all on function public.admin_create_promocode from public, anon, authenticated;
grant execute on function public.admin_create_promocode to bot_backend, service_role;
comment on function public.admin_create_promocode is 'Makes a promo code in an admin''s name';

-- Reads the promo codes there are, the newest first, a page at a time; or one of them.
--
-- Twice or at once: only reads, over an index. A page begins below p_before, so new codes move nothing.
-- Returns: jsonb {promocodes: [see private.promocode_card], next}: next is p_before of the next page, or null.
-- Errors: N0001 not an admin.
create or replace function public.admin_promocodes(
  p_admin_email text, p_code text default null, p_before bigint default null, p_limit integer default 10
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_limit integer := least(greatest(p_limit, 1), 100);
  v_ids bigint[];
begin
  perform private.require_admin(p_admin_email);
  -- Two questions, so that each is answered by its own index.
  if p_code is not null then
    v_ids := array(select p.id from public.promocodes as p where p.code = upper(trim(p_code)));
  else
    v_ids := array(
      select p.id from public.promocodes as p where p_before is null or p.id < p_before
       order by p.id desc limit v_limit + 1
    );
  end if;
  return jsonb_build_object(
    'promocodes', (
      select coalesce(jsonb_agg(private.promocode_card(p) order by p.id desc), '[]'::jsonb)
        from public.promocodes as p
       where p.id = any (v_ids[:v_limit])
    ),
    'next', case when cardinality(v_ids) > v_limit then v_ids[v_limit] end
  );
end
$$;

revoke all on function public.admin_promocodes from public, anon, authenticated;
grant execute on function public.admin_promocodes to bot_backend, service_role;
comment on function public.admin_promocodes is 'The promo codes there are, the newest first';

-- Switches a promo code off or on again in an admin's name. What it gave so far stays, discounts that wait included.
--
-- Twice or at once: the code's row is locked; with a reference it acts once. A code that is so already stays so, and
--   nothing is written down.
-- Returns: jsonb: see private.promocode_card, as it is now; null when there is no such code.
-- Errors: N0001 not an admin; N0003 the reference is known with another action or code.
create or replace function public.admin_switch_promocode(
  p_code text, p_is_active boolean, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_promocode public.promocodes;
  v_known public.audit_log;
begin
  select p.* into v_promocode
    from public.promocodes as p
   where p.code = upper(trim(p_code))
     for no key update;
  if not found then
    return null;
  end if;
  v_known := private.known_action(p_reference, 'switch_promocode', null);
  if v_known.id is not null and v_known.after ->> 'code' <> v_promocode.code then
    raise exception 'this reference is known with another code' using errcode = 'N0003';
  elsif v_known.id is null and v_promocode.is_active <> p_is_active then
    perform private.write_audit(
      v_email, 'switch_promocode', null, p_reference,
      jsonb_build_object('code', v_promocode.code, 'is_active', v_promocode.is_active),
      jsonb_build_object('code', v_promocode.code, 'is_active', p_is_active)
    );
    update public.promocodes as p
       set is_active = p_is_active
     where p.id = v_promocode.id
    returning p.* into v_promocode;
  end if;
  return private.promocode_card(v_promocode);
end
$$;

revoke all on function public.admin_switch_promocode from public, anon, authenticated;
grant execute on function public.admin_switch_promocode to bot_backend, service_role;
comment on function public.admin_switch_promocode is 'Switches a promo code off or on again';

-- Proves that payments, what was given for them, and the ledger agree. For admins and tests.
--
-- Twice or at once: only reads, in one snapshot.
-- Returns: one row for each thing that is wrong: the payment, and what. None when all is well.
-- Errors: none.
create or replace function public.check_payments()
returns table (payment_id bigint, wrong text)
language sql
volatile
security definer
set search_path = ''
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
         where o.payment_id = p.id and o.kind = 'dispute' and not o.is_undone
      ) as in_dispute,
      (select count(*) from public.payment_effects as e where e.payment_id = p.id and e.effect <> 'commission') as effects
    from public.payments as p
  )
  select s.id, 'the amount is not what was paid' from sums as s where s.amount is distinct from s.paid
  union all
  select s.id, 'the disputed sum is not that of the disputes' from sums as s where s.disputed <> s.in_dispute
  union all
  select s.id, 'the status does not follow from the sums'
    from sums as s
   where (coalesce(s.amount, 0) > 0) <> (s.status in ('completed', 'refunded'))
      or (s.amount > 0 and (s.refunded + s.disputed >= s.amount) <> (s.status = 'refunded'))
  union all
  select s.id, 'paid and not given' from sums as s where s.amount > 0 and s.problem is null and s.effects <> 1
  union all
  select s.id, 'given and not paid' from sums as s where s.effects > 0 and (s.problem is not null or coalesce(s.amount, 0) = 0)
  union all
  select s.id, 'an order was given twice'
    from sums as s
   where s.effects > 0
     and exists (select from sums as t where t.order_id = s.order_id and t.id < s.id and t.effects > 0)
  union all
  select s.id, 'the discount it was bought with is still there'
    from sums as s
    join public.orders as o on o.id = s.order_id
    join public.promocode_usages as u on u.promocode_id = o.promocode_id and u.user_id = o.user_id
   where s.effects > 0 and u.consumed_at is null
  union all
  select s.id, 'refunded whole and not taken back'
    from sums as s
    join public.payment_effects as e on e.payment_id = s.id
   where s.status = 'refunded' and e.aim <> e.given
  union all
  select e.payment_id, 'the ledger does not have what was given'
    from public.payment_effects as e
   where e.effect in ('balance', 'commission')
     and e.given - e.taken <> (
       select coalesce(sum(t.amount), 0)
         from public.balance_transactions as t
        where t.reference like format('payments:%s:%s:%%', e.payment_id, e.effect)
     );
$$;

revoke all on function public.check_payments from public, anon, authenticated;
grant execute on function public.check_payments to bot_backend, service_role;
comment on function public.check_payments is 'Proves that payments and what was given for them agree';

-- Notes that something was bought with a discount: the person's next purchase has it no more. An order that was made
-- with it before stays payable as it is.
--
-- Twice or at once: consumed once, whichever of its orders is paid first; the caller holds the order and the person.
-- Returns: nothing.
-- Errors: none.
create or replace function private.consume_discount(p_order_id bigint)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  update public.promocode_usages as u
     set consumed_at = private.clock()
    from public.orders as o
   where o.id = p_order_id
     and u.promocode_id = o.promocode_id
     and u.user_id = o.user_id
     and u.consumed_at is null;
$$;

revoke all on function private.consume_discount from public, anon, authenticated;
comment on function private.consume_discount is 'Notes that something was bought with a discount';

-- Makes an order of one product at the price it has now: less of a discount that the person has, unless it renews.
--
-- Twice or at once: with the same reference there is one order, and every call gets it. The person is held, so that an
--   erasure comes before it, or finds it.
-- Returns: jsonb
--   {outcome: created | known, id, status, kind, texts, amount, full_amount, currency, period, renews, expires_at,
--    checkout_url}            full_amount: without the discount, null when there is none
--   {outcome: not_for_sale}    switched off, or no price in this currency
-- Errors: M0003, there is no such person.
create or replace function public.create_order(
  p_user_id bigint,
  p_product_key text,
  p_provider text,
  p_currency text,
  p_bot text,
  p_renews boolean default false,
  p_contact text default null,
  p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_product public.products;
  v_full_amount numeric;
  v_discount public.promocode_usages;
  v_amount numeric;
  v_renews boolean;
  v_order public.orders;
  v_is_new boolean;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'there is no such person' using errcode = 'M0003';
  end if;
  select p.* into v_product from public.products as p where p.key = p_product_key and p.is_active;
  select c.amount into v_full_amount
    from public.product_prices as c
   where c.product_key = v_product.key and c.currency = p_currency;
  if v_full_amount is null then
    return jsonb_build_object('outcome', 'not_for_sale');
  end if;
  v_renews := p_renews and v_product.kind = 'subscription';
  if not v_renews then
    v_discount := private.discount_of(p_user_id);
  end if;
  v_amount := private.discounted_price(v_full_amount, p_currency, v_discount.percent);
  insert into public.orders as o (
    user_id, product_key, provider, currency, amount, kind, plan, period, quantity, renews, contact, bot,
    reference, expires_at, full_amount, promocode_id
  )
  values (
    p_user_id, v_product.key, p_provider, p_currency, v_amount, v_product.kind, v_product.plan, v_product.period,
    v_product.quantity, v_renews, p_contact, p_bot, p_reference,
    private.clock() + make_interval(hours => private.setting('order_hours')::integer),
    case when v_amount < v_full_amount then v_full_amount end,
    case when v_amount < v_full_amount then v_discount.promocode_id end
  )
  on conflict (reference) do nothing
  returning o.* into v_order;
  v_is_new := found;
  if not v_is_new then
    select o.* into v_order from public.orders as o where o.reference = p_reference and o.user_id = p_user_id;
    select p.* into v_product from public.products as p where p.key = v_order.product_key;
  end if;
  return jsonb_build_object(
    'outcome', case when v_is_new then 'created' else 'known' end,
    'id', v_order.id,
    'status', v_order.status,
    'kind', v_order.kind,
    'texts', v_product.texts,
    'amount', v_order.amount::text,
    'full_amount', v_order.full_amount::text,
    'currency', v_order.currency,
    'period', v_order.period,
    'renews', v_order.renews,
    'expires_at', v_order.expires_at,
    'checkout_url', v_order.checkout_url
  );
end
$$;

revoke all on function public.create_order from public, anon, authenticated;
grant execute on function public.create_order to bot_backend, service_role;
comment on function public.create_order is 'Makes an order of one product';

-- Finds the discount that a person's next one-off purchase has: of several the greatest, the others wait.
--
-- Twice or at once: only reads. Until something is bought every order has it.
-- Returns: the row of promocode_usages, all of it null when there is none.
-- Errors: none.
create or replace function private.discount_of(p_user_id bigint)
returns public.promocode_usages
language sql
volatile
security invoker
set search_path = ''
as $$
  select u.*
    from public.promocode_usages as u
   where u.user_id = p_user_id
     and u.percent is not null
     and u.consumed_at is null
     and (u.expires_at is null or u.expires_at > (select private.clock()))
   order by u.percent desc, u.promocode_id
   limit 1;
$$;

revoke all on function private.discount_of from public, anon, authenticated;
comment on function private.discount_of is 'The discount that a person''s next one-off purchase has';

-- Takes percent off a price, rounded down to what the currency has (Stars and some currencies no fraction), and leaves
-- at least 1: less no provider takes.
--
-- Twice or at once: computes only.
-- Returns: the price to pay; the full one without a percentage, or where nothing can be taken off.
-- Errors: none.
create or replace function private.discounted_price(p_price numeric, p_currency text, p_percent integer)
returns numeric
language sql
immutable
security invoker
set search_path = ''
as $$
  select least(
    p_price,
    greatest(
      1,
      trunc(
        p_price * (100 - coalesce(p_percent, 0)) / 100,
        case
          when p_currency in (
            'XTR', 'BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'UGX', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'
          ) then 0
          else 2
        end
      )
    )
  );
$$;

revoke all on function private.discounted_price from public, anon, authenticated;
comment on function private.discounted_price is 'Takes percent off a price';

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
       where r.id = p_payment.renewal_id
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

-- What can be bought now, with its prices, and what a person's discount makes of them.
--
-- Twice or at once: only reads.
-- Returns: json [{key, kind, plan, period, quantity, texts, prices: {currency: amount}, discount}] in their order;
--   amounts and quantities are text. Without a price a product is not for sale. discount is {percent, until, prices},
--   with those prices alone that are lower, for whatever does not renew; null when there is none.
-- Errors: none.
create or replace function public.products_for_sale(p_user_id bigint default null)
returns json
language sql
volatile
security definer
set search_path = ''
as $$
  select coalesce(
      json_agg(
        json_build_object(
          'key', p.key,
          'kind', p.kind,
          'plan', p.plan,
          'period', p.period,
          'quantity', trim_scale(p.quantity)::text,
          'texts', p.texts,
          'prices', s.prices,
          'discount', case when s.reduced is not null then json_build_object(
            'percent', d.percent, 'until', d.expires_at, 'prices', s.reduced
          ) end
        )
        order by p.position, p.key
      ),
      '[]'
    )
    from public.products as p
    cross join private.discount_of(p_user_id) as d
    join lateral (
      select
        json_object_agg(c.currency, c.amount::text) as prices,
        json_object_agg(c.currency, r.amount::text) filter (where r.amount < c.amount) as reduced,
        count(*) as count
        from public.product_prices as c
        cross join lateral private.discounted_price(c.amount, c.currency, d.percent) as r (amount)
       where c.product_key = p.key
    ) as s on s.count > 0
   where p.is_active;
$$;

revoke all on function public.products_for_sale from public, anon, authenticated;
grant execute on function public.products_for_sale to bot_backend, service_role;
comment on function public.products_for_sale is 'What can be bought now, with its prices';

-- Tells people that what they bought, or their free trial, ends: three days before, one day before, and when it has ended.
-- Who renews is not reminded beforehand; whose plan goes on by something else, and what is shorter than the time before
-- which it would be told, is not told of at all.
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
    select s.id, s.user_id, s.source, s.ends_at, r.reminder, b.bot
      from public.subscriptions as s
      cross join lateral (
        select case
            when s.ends_at <= v_now then 'over'
            when s.ends_at <= v_now + interval '1 day' then 'day'
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
       and s.ends_at between v_now - interval '1 day' and v_now + interval '3 days'
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
      jsonb_build_object('until', jsonb_build_object('date', v_due.ends_at))
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.remind_of_ends from public, anon, authenticated;
grant execute on function public.remind_of_ends to bot_backend, service_role;
comment on function public.remind_of_ends is 'Tells people that what they bought ends';

-- Collects what is stored about a person, but for the conversation.
--
-- Twice or at once: only reads.
-- Returns: jsonb, one key a subject; of the AI calls the newest 10,000, the months have them all. Each has a title
--   and an explanation in shared/texts (section_<subject>).
-- Errors: none.
create or replace function private.person_sections(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
    'person', to_jsonb(u),
    'sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.bot, s.chat_id), '[]')
        from public.bot_sessions as s
       where s.user_id = u.id
    ),
    'requests', (
      select coalesce(jsonb_agg(to_jsonb(d) - 'user_id' order by d.day, d.bot), '[]')
        from public.daily_usage as d
       where d.user_id = u.id
    ),
    'months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month), '[]')
        from public.monthly_usage as m
       where m.user_id = u.id
    ),
    'ai_months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month, m.provider, m.model), '[]')
        from public.monthly_api_usage as m
       where m.user_id = u.id
    ),
    'ai_calls', (
      select coalesce(jsonb_agg(to_jsonb(c.call) - array['id', 'user_id'] order by c.created_at, c.id), '[]')
        from (
          select a as call, a.created_at, a.id
            from public.api_usage as a
           where a.user_id = u.id
           order by a.created_at desc
           limit 10000
        ) as c
    ),
    'keys', public.list_user_tokens(u.id),
    'balance', (
      select coalesce(jsonb_agg(to_jsonb(t) - 'user_id' order by t.id), '[]')
        from public.balance_transactions as t
       where t.user_id = u.id
    ),
    'subscriptions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.id), '[]')
        from public.subscriptions as s
       where s.user_id = u.id
    ),
    'trainings', jsonb_build_object(
      'given', (
        select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]'::jsonb)
          from public.free_trainings as f
         where f.user_id = u.id
      ),
      'used', (
        select coalesce(jsonb_agg(to_jsonb(a) - array['id', 'user_id'] order by a.id), '[]'::jsonb)
          from public.access_usages as a
         where a.user_id = u.id
      )
    ),
    'payments', private.money_section(u),
    'promocodes', jsonb_build_object(
      'redeemed', (
        select coalesce(jsonb_agg(to_jsonb(p) - 'user_id' order by p.created_at, p.promocode_id), '[]'::jsonb)
          from public.promocode_usages as p
         where p.user_id = u.id
      ),
      'tries', (select to_jsonb(t) - 'user_id' from public.promocode_tries as t where t.user_id = u.id)
    ),
    'referrals', jsonb_build_object(
      'came', (
        select to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referrer_credits']
          from public.user_referrals as r
         where r.referred_id = u.id
      ),
      'brought', (
        select coalesce(
            jsonb_agg(
              to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referred_credits'] order by r.id
            ),
            '[]'
          )
          from public.user_referrals as r
         where r.referrer_id = u.id
      )
    ),
    'admins', (
      select coalesce(jsonb_agg(to_jsonb(l) - array['user_id', 'admin_email'] order by l.id), '[]')
        from public.audit_log as l
       where l.user_id = u.id
    ),
    'updates', (
      select coalesce(
          jsonb_agg(to_jsonb(t) - array['user_id', 'delivery'] order by t.received_at, t.update_id), '[]'
        )
        from public.telegram_updates as t
       where t.user_id = u.id
    ),
    'unsent', (
      select coalesce(jsonb_agg(to_jsonb(o) order by o.id), '[]')
        from public.telegram_outbox as o
       where o.chat_id = u.telegram_id
    )
  )
  from public.users as u
  where u.id = p_user_id;
$$;

revoke all on function private.person_sections from public, anon, authenticated;
comment on function private.person_sections is 'What is stored about a person, but for the conversation';

-- Keeps what a person who is being erased must not collect again, under a hash that tells nobody who it was.
--
-- Twice or at once: the caller holds the person alone. Who was erased before, came back and is erased again
--   has one row. Of somebody who used nothing nothing is kept.
-- Returns: nothing.
-- Errors: none.
create or replace function private.remember_person(p_user public.users, p_hash text)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_used jsonb := jsonb '{}';
  v_usage jsonb := jsonb '{}';
  v_daily jsonb;
  v_monthly jsonb;
  v_channels jsonb;
  v_promocode_tries jsonb;
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
begin
  if not p_user.is_newcomer
    or exists (select from public.user_referrals as r where r.referred_id = p_user.id)
  then
    v_used := v_used || '{"referral": true}';
  end if;
  if p_user.trial_used
    -- A buyer has no trial either, and comes back as somebody who bought nothing.
    or exists (select from public.subscriptions as s where s.user_id = p_user.id and s.source = 'purchase')
  then
    v_used := v_used || '{"trial": true}';
  end if;
  v_used := v_used || coalesce(
    (
      select jsonb_object_agg('promocode:' || u.promocode_id, true)
        from public.promocode_usages as u
       where u.user_id = p_user.id
    ),
    '{}'::jsonb
  );
  if p_user.banned_at is not null then
    v_used := v_used || jsonb_build_object('banned_at', p_user.banned_at);
  end if;
  select jsonb_agg(f.reference order by f.id) into v_channels
    from public.free_trainings as f
   where f.user_id = p_user.id and f.source = 'channel';
  if v_channels is not null then
    v_used := v_used || jsonb_build_object('channels', v_channels);
  end if;
  select jsonb_agg(jsonb_build_object('bot', d.bot, 'day', d.day, 'requests', d.requests)) into v_daily
    from public.daily_usage as d
   where d.user_id = p_user.id
     and d.day >= v_today
     and d.requests > 0;
  if v_daily is not null then
    v_usage := jsonb_build_object('daily', v_daily);
  end if;
  select jsonb_agg(jsonb_build_object('month', m.month, 'requests', m.requests)) into v_monthly
    from public.monthly_usage as m
   where m.user_id = p_user.id
     and m.month >= date_trunc('month', v_today::timestamp)
     and m.requests > 0;
  if v_monthly is not null then
    v_usage := v_usage || jsonb_build_object('monthly', v_monthly);
  end if;
  select v_usage || jsonb_build_object('promocode_tries', jsonb_build_object('day', t.day, 'tries', t.tries))
    into v_promocode_tries
    from public.promocode_tries as t
   where t.user_id = p_user.id and t.day >= v_today and t.tries > 0;
  v_usage := coalesce(v_promocode_tries, v_usage);
  if v_used = '{}' and v_usage = '{}' then
    return;
  end if;
  insert into public.erased_people as e (person_hash, used, usage)
  values (decode(p_hash, 'hex'), v_used, v_usage)
  on conflict (person_hash) do update
    set used = e.used || excluded.used,
        usage = excluded.usage,
        erased_at = excluded.erased_at;
end
$$;

revoke all on function private.remember_person from public, anon, authenticated;
comment on function private.remember_person is 'Keeps what an erased person must not collect again';

-- Gives somebody who was erased and comes back what they had used up: a referral, the free trial, the trainings of a
-- channel, the promo codes they redeemed and today's wrong ones, today's and this month's requests, a ban. Everything else
-- begins anew.
--
-- Twice or at once: the caller has just made the person's row. What was kept moves there, and is kept again
--   when they are erased again.
-- Returns: the person's row.
-- Errors: none.
create or replace function private.restore_person(p_user_id bigint, p_hash text)
returns public.users
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_kept public.erased_people;
  v_user public.users;
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
begin
  delete from public.erased_people as e where e.person_hash = decode(p_hash, 'hex') returning e.* into v_kept;
  if found then
    update public.users as u
       set is_newcomer = u.is_newcomer and not v_kept.used ? 'referral',
           trial_used = v_kept.used ? 'trial',
           banned_at = (v_kept.used ->> 'banned_at')::timestamptz
     where u.id = p_user_id;
    insert into public.free_trainings (user_id, source, reference, quantity)
    select p_user_id, 'channel', c.reference, 0
      from jsonb_array_elements_text(v_kept.used -> 'channels') as c (reference);
    insert into public.daily_usage (user_id, bot, day, requests)
    select p_user_id, d.bot, d.day, d.requests
      from jsonb_to_recordset(v_kept.usage -> 'daily') as d (bot text, day date, requests integer)
     where d.day >= v_today;
    insert into public.monthly_usage (user_id, month, requests)
    select p_user_id, m.month, m.requests
      from jsonb_to_recordset(v_kept.usage -> 'monthly') as m (month date, requests integer)
     where m.month >= date_trunc('month', v_today::timestamp);
    -- What they had of it, discounts that waited included, went with them.
    insert into public.promocode_usages (promocode_id, user_id, given, consumed_at)
    select p.id, p_user_id, '{}', private.clock()
      from public.promocodes as p
     where p.id in (
       select substr(k.key, length('promocode:') + 1)::bigint
         from jsonb_object_keys(v_kept.used) as k (key)
        where starts_with(k.key, 'promocode:')
     );
    insert into public.promocode_tries (user_id, day, tries)
    select p_user_id, t.day, t.tries
      from jsonb_to_record(v_kept.usage -> 'promocode_tries') as t (day date, tries integer)
     where t.day >= v_today;
  end if;
  select u.* into v_user from public.users as u where u.id = p_user_id;
  return v_user;
end
$$;

revoke all on function private.restore_person from public, anon, authenticated;
comment on function private.restore_person is 'Gives somebody who comes back what they had used up';

-- Lets a person name a promo code, unless they named too many wrong ones today; with the next day all begins anew.
--
-- Twice or at once: the person's row of tries stays locked until the transaction ends, so their attempts follow one
--   another. The last wrong try told again is let in again.
-- Returns: whether it is the last wrong try once more; null: there were too many.
-- Errors: none.
create or replace function private.begin_promocode_try(p_user_id bigint, p_reference text)
returns boolean
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_tries public.promocode_tries;
begin
  insert into public.promocode_tries as t (user_id, day)
  values (p_user_id, v_today)
  on conflict (user_id) do update
    set tries = case t.day when excluded.day then t.tries else 0 end,
        day = excluded.day
  returning t.* into v_tries;
  if v_tries.last_reference = p_reference then
    return true;
  elsif v_tries.tries >= private.setting('promocode_daily_tries')::integer then
    return null;
  end if;
  return false;
end
$$;

revoke all on function private.begin_promocode_try from public, anon, authenticated;
comment on function private.begin_promocode_try is 'Lets a person name a promo code, unless they named too many wrong ones';

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
set search_path = ''
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

revoke all on function private.give_promocode from public, anon, authenticated;
comment on function private.give_promocode is 'Gives what a promo code is for';

-- Tells all there is to know of a promo code.
--
-- Twice or at once: computes from the row and the time alone.
-- Returns: jsonb: its row, and state: active | off | used_up | over | not_yet.
-- Errors: none.
create or replace function private.promocode_card(p_promocode public.promocodes)
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select to_jsonb(p_promocode) || jsonb_build_object(
    'state', case
      when not p_promocode.is_active then 'off'
      when p_promocode.valid_until <= private.clock() then 'over'
      when p_promocode.uses >= p_promocode.max_uses then 'used_up'
      when p_promocode.valid_from > private.clock() then 'not_yet'
      else 'active'
    end
  );
$$;

revoke all on function private.promocode_card from public, anon, authenticated;
comment on function private.promocode_card is 'All there is to know of a promo code';

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
set search_path = ''
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

revoke all on function public.redeem_promocode from public, anon, authenticated;
grant execute on function public.redeem_promocode to bot_backend, service_role;
comment on function public.redeem_promocode is 'Gives a person what a promo code is for, once';

-- Says on which day of the month a period that begins at a moment ends: on the day on which the one before began, as long
-- as its own end still tells of it (time that was taken back or given in between moved it elsewhere).
--
-- Twice or at once: computes only.
-- Returns: p_known where the moment is its day, or the last of a month that is shorter; else the moment's own day.
-- Errors: none.
create or replace function private.anchor_day(p_from timestamptz, p_known smallint)
returns smallint
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_local timestamp := p_from at time zone private.setting('quota_timezone');
  v_last_day integer := extract(day from date_trunc('month', v_local) + interval '1 month' - interval '1 day');
  v_day smallint := extract(day from v_local);
begin
  return case when least(p_known, v_last_day) = v_day and p_known is not null then p_known else v_day end;
end
$$;

revoke all on function private.anchor_day from public, anon, authenticated;
comment on function private.anchor_day is 'On which day of the month a period that begins at a moment ends';

-- Gives a person a plan for a period, or for some seconds: from the end of what they have of it, wherever it is from, or
-- from now. Only what admins give runs beside all else.
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
     and s.status = 'active' and s.ends_at > v_now
   order by s.ends_at desc
   limit 1
     for update;
  select s.* into v_last
    from public.subscriptions as s
   where s.user_id = p_user_id and s.plan = p_plan and s.source <> 'admin'
     and s.status = 'active' and s.ends_at > v_now
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

-- Takes time of a plan back, as much as is left of it at most. What was to follow it comes earlier.
--
-- Twice or at once: the person's row is locked. Every call shortens: the caller sees to it that it asks once.
-- Returns: the seconds that were taken.
-- Errors: none.
create or replace function private.shorten_subscription(
  p_user_id bigint, p_plan text, p_source text, p_seconds numeric
)
returns numeric
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_running public.subscriptions;
  v_end timestamptz;
  v_seconds numeric;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  select s.* into v_running
    from public.subscriptions as s
   where s.user_id = p_user_id and s.plan = p_plan and s.source = p_source
     and s.status = 'active' and s.ends_at > v_now
   order by s.ends_at desc
   limit 1
     for update;
  if not found then
    return 0;
  end if;
  v_seconds := least(p_seconds, extract(epoch from v_running.ends_at - v_now));
  -- Of several sources one follows the other (private.extend_subscription): all of them together end earlier now.
  select max(s.ends_at) - make_interval(secs => v_seconds::double precision) into v_end
    from public.subscriptions as s
   where s.user_id = p_user_id and s.plan = p_plan and s.source <> 'admin' and s.status = 'active';
  update public.subscriptions as s
     set ends_at = greatest(
           s.ends_at - make_interval(secs => v_seconds::double precision), s.starts_at + interval '1 second'
         ),
         status = case when v_seconds < p_seconds or s.ends_at - v_now <= make_interval(secs => v_seconds::double precision)
           then 'canceled' else s.status end,
         ended_at = case when v_seconds < p_seconds or s.ends_at - v_now <= make_interval(secs => v_seconds::double precision)
           then v_now end
   where s.id = v_running.id;
  update public.subscriptions as s
     set ends_at = greatest(v_end, s.starts_at + interval '1 second')
   where s.user_id = p_user_id and s.plan = p_plan and s.source <> 'admin'
     and s.id <> v_running.id and s.status = 'active' and s.ends_at > v_end;
  perform private.refresh_access(p_user_id);
  return v_seconds;
end
$$;

revoke all on function private.shorten_subscription from public, anon, authenticated;
comment on function private.shorten_subscription is 'Takes time of a plan back';

-- The columns are new and empty in every row, so there is nothing to wait for.
-- squawk-ignore constraint-missing-not-valid
alter table public.orders add constraint orders_check CHECK ((full_amount >= amount));

-- The columns are new and empty in every row, so there is nothing to wait for.
-- squawk-ignore constraint-missing-not-valid
alter table public.orders add constraint orders_check1 CHECK (((full_amount IS NULL) = (promocode_id IS NULL)));

-- The columns are new and empty in every row, so there is nothing to wait for.
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table public.orders add constraint orders_promocode_id_fkey FOREIGN KEY (promocode_id) REFERENCES public.promocodes(id);

-- The column is new and empty.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX orders_promocode_idx ON public.orders USING btree (promocode_id);

-- Made anew below; a sweep reads it, no update does.
-- squawk-ignore require-concurrent-index-deletion
drop index public.subscriptions_reminder_idx;

-- Small: the time that was bought and runs.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX subscriptions_reminder_idx ON public.subscriptions USING btree (ends_at) WHERE (source = ANY (ARRAY['purchase'::text, 'trial'::text, 'promo'::text]));

comment on column public.erased_people.used is 'What is given once in a life, by its name: "referral", "promocode:<its id>", "trial", and "channels" whose free trainings they had; and "banned_at", whose reason is not kept';

comment on column public.orders.full_amount is 'What it would have cost without the discount; null: there was none';

comment on column public.orders.promocode_id is 'Whose discount it has';

comment on column public.subscriptions.source is 'Who gave it: purchase, trial, promo (a promo code) or admin';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "promocode_daily_tries", "about": "How many wrong promo codes a person may name a day", "value": 10}') on conflict do nothing;
