-- Money.

-- A day of a month needs no more.
-- squawk-ignore prefer-bigint-over-smallint
alter table public.subscriptions add column anchor_day smallint;

alter table public.subscriptions add column reminded text;

-- What can be bought. Switching one off hides it everywhere; what was ordered before is still honoured.

create table public.products (
  key text primary key check (key ~ '^[a-z0-9_]{1,32}$'),
  kind text not null check (kind in ('subscription', 'credits', 'balance', 'course')),
  plan text references public.subscription_limits (plan) on update cascade,
  period text check (period in ('month', 'year')),
  quantity numeric(12, 2) check (quantity > 0),
  texts jsonb not null check (jsonb_typeof(texts) = 'object'),
  position integer not null default 0,
  is_active boolean not null default true,
  created_at timestamptz not null default private.clock(),
  check ((kind = 'subscription') = (plan is not null and period is not null)),
  check ((kind in ('credits', 'balance')) = (quantity is not null))
);

create index products_plan_idx on public.products (plan);

comment on table public.products is 'What can be bought';
comment on column public.products.plan is 'The plan a subscription gives for one period';
comment on column public.products.quantity is 'How many bonus credits, or how much balance (in the setting balance_currency)';
comment on column public.products.texts is 'By language: {"ru": {"title": "…", "description": "…"}}; a title has at most 32 characters';
alter table public.products enable row level security;
revoke all on table public.products from public, anon, authenticated, service_role;

insert into public.products (key, kind, plan, period, quantity, texts, position)
values
(
  'premium_month', 'subscription', 'PREMIUM', 'month', null,
  '{"ru": {"title": "Премиум на месяц", "description": "1000 запросов в день на месяц"},
    "en": {"title": "Premium for a month", "description": "1000 requests a day for a month"}}', 10
),
(
  'premium_year', 'subscription', 'PREMIUM', 'year', null,
  '{"ru": {"title": "Премиум на год", "description": "1000 запросов в день на год"},
    "en": {"title": "Premium for a year", "description": "1000 requests a day for a year"}}', 20
),
(
  'credits_100', 'credits', null, null, 100,
  '{"ru": {"title": "100 запросов", "description": "Сверх дневного лимита, без срока"},
    "en": {"title": "100 requests", "description": "On top of the daily limit, for any time"}}', 30
),
(
  'credits_1000', 'credits', null, null, 1000,
  '{"ru": {"title": "1000 запросов", "description": "Сверх дневного лимита, без срока"},
    "en": {"title": "1000 requests", "description": "On top of the daily limit, for any time"}}', 40
),
(
  'balance_500', 'balance', null, null, 500,
  '{"ru": {"title": "Баланс: 500", "description": "Пополнение баланса"},
    "en": {"title": "Balance: 500", "description": "Tops the balance up"}}', 50
)
on conflict (key) do nothing;

-- What we asked to be paid for. Its product and price are kept as they were then.
--
-- pending ─▶ completed   paid, and given
--    └─────▶ canceled    its time ran out, or the provider gave it up; late money is honoured all the same

create table public.orders (
  id bigint generated always as identity primary key,
  user_id bigint references public.users (id) on delete set null,
  product_key text not null references public.products (key) on update cascade,
  provider text not null,
  currency text not null,
  amount numeric(12, 2) not null check (amount > 0),
  status text not null default 'pending' check (status in ('pending', 'completed', 'canceled')),
  kind text not null,
  plan text,
  period text,
  quantity numeric(12, 2),
  renews boolean not null default false,
  contact text,
  bot text not null,
  reference text unique,
  checkout_url text,
  checkout_reference text,
  expires_at timestamptz not null,
  checked_at timestamptz,
  told text[] not null default '{}',
  created_at timestamptz not null default private.clock(),
  completed_at timestamptz
);

create index orders_user_idx on public.orders (user_id, id);
create index orders_product_idx on public.orders (product_key);
-- Reconciliation looks at those that are open.
create index orders_open_idx on public.orders (expires_at) where status = 'pending';

comment on table public.orders is 'What we asked to be paid for';
comment on column public.orders.renews is 'The provider shall renew it each period by itself';
comment on column public.orders.contact is 'Where the receipt goes: an e-mail address or a phone number';
comment on column public.orders.bot is 'Where the person bought, and is told';
comment on column public.orders.reference is 'Given by the caller: the same one makes one order';
comment on column public.orders.told is 'What the buyer was told once: pending, failed';
comment on column public.orders.checkout_reference is 'The provider''s own number of the checkout, to ask for its state';
alter table public.orders enable row level security;
revoke all on table public.orders from public, anon, authenticated, service_role;
revoke all on sequence public.orders_id_seq from public, anon, authenticated, service_role;

-- Who pays again each period: by the provider's own schedule, or charged by us with a saved method.
--
-- active ─▶ past_due ─▶ ended       a charge failed; the provider tries again, or gives up
--    └────▶ canceled ─▶ ended       will not renew; what was paid still runs

create table public.renewals (
  id bigint generated always as identity primary key,
  user_id bigint references public.users (id) on delete set null,
  product_key text not null references public.products (key) on update cascade,
  provider text not null,
  provider_subscription_id text not null,
  status text not null default 'active' check (status in ('active', 'past_due', 'canceled', 'ended')),
  currency text not null,
  amount numeric(12, 2) not null check (amount > 0),
  kind text not null default 'subscription',
  plan text not null,
  period text not null,
  bot text not null,
  saved_method text,
  charged_until timestamptz,
  attempts integer not null default 0,
  created_at timestamptz not null default private.clock(),
  ended_at timestamptz,
  unique (provider, provider_subscription_id)
);

create index renewals_user_idx on public.renewals (user_id);
create index renewals_product_idx on public.renewals (product_key);

comment on table public.renewals is 'Who pays again each period';
comment on column public.renewals.saved_method is 'What we charge by ourselves; null: the provider has the schedule';
alter table public.renewals enable row level security;
revoke all on table public.renewals from public, anon, authenticated, service_role;
revoke all on sequence public.renewals_id_seq from public, anon, authenticated, service_role;

-- Money that came, one row a charge at a provider. Its sums follow from payment_operations, its status from the
-- sums; what a person was given for it stands in payment_effects.

create table public.payments (
  id bigint generated always as identity primary key,
  provider text not null,
  provider_payment_id text not null,
  order_id bigint references public.orders (id),
  renewal_id bigint references public.renewals (id),
  user_id bigint references public.users (id) on delete set null,
  status text not null default 'pending'
  check (status in ('pending', 'completed', 'failed', 'canceled', 'refunded')),
  currency text,
  amount numeric,
  refunded numeric not null default 0 check (refunded >= 0),
  disputed numeric not null default 0 check (disputed >= 0),
  has_failed boolean not null default false,
  is_canceled boolean not null default false,
  is_test boolean not null default false,
  claims jsonb not null default '{}',
  problem text check (problem in ('no_order', 'amount', 'currency', 'owner', 'test', 'second_charge')),
  saved_method text,
  created_at timestamptz not null default private.clock(),
  completed_at timestamptz,
  unique (provider, provider_payment_id)
);

create index payments_order_idx on public.payments (order_id);
create index payments_renewal_idx on public.payments (renewal_id);
create index payments_user_idx on public.payments (user_id, id);
-- Who paid, where the provider knows it: not always whose order it is.
create index payments_payer_idx on public.payments ((claims ->> 'telegram_id'))
where (claims ->> 'telegram_id') is not null;
-- What waits for its order, and what somebody must look at.
create index payments_problem_idx on public.payments (problem) where problem is not null;

comment on table public.payments is 'Money that came, one row a charge at a provider';
comment on column public.payments.amount is 'What was paid, in currency; null: nothing yet';
comment on column public.payments.refunded is 'Given back, all refunds together';
comment on column public.payments.disputed is 'Taken back by the payer''s bank and not won back';
comment on column public.payments.claims is 'What the provider said whose it is: order_id, subscription_id, telegram_id (0: somebody who is erased)';
comment on column public.payments.problem is 'Why nothing was given for it';
alter table public.payments enable row level security;
revoke all on table public.payments from public, anon, authenticated, service_role;
revoke all on sequence public.payments_id_seq from public, anon, authenticated, service_role;

-- What was given for a payment, and what of it was taken back. One row an effect: whatever is told again finds it.

create table public.payment_effects (
  payment_id bigint not null references public.payments (id) on delete cascade,
  effect text not null check (effect in ('subscription', 'credits', 'balance', 'course', 'commission')),
  user_id bigint references public.users (id) on delete set null,
  subscription_id bigint references public.subscriptions (id) on delete set null,
  given numeric not null check (given >= 0),
  aim numeric not null default 0 check (aim >= 0 and aim <= given),
  taken numeric not null default 0 check (taken >= 0 and taken <= aim),
  moves integer not null default 0,
  created_at timestamptz not null default private.clock(),
  primary key (payment_id, effect)
);

create index payment_effects_user_idx on public.payment_effects (user_id);
create index payment_effects_subscription_idx on public.payment_effects (subscription_id);

comment on table public.payment_effects is 'What was given for a payment, and what was taken back';
comment on column public.payment_effects.given is 'Seconds of a subscription, bonus credits, or balance';
comment on column public.payment_effects.aim is 'What should be taken back, for what was refunded and disputed';
comment on column public.payment_effects.taken is 'What was really taken back: what the person had left, at most';
comment on column public.payment_effects.moves is 'How often something was taken or returned: a part of the ledger''s reference';
alter table public.payment_effects enable row level security;
revoke all on table public.payment_effects from public, anon, authenticated, service_role;

-- What providers told us, word for word, each once. An event that could not be applied keeps its error; when the
-- provider tells it again it is applied. Words hold addresses and phones: they go with the person they are about, and
-- the event stays, so that its repetition is recognised.

create table public.payment_events (
  id bigint generated always as identity primary key,
  provider text not null,
  event_key text not null,
  user_id bigint references public.users (id) on delete set null,
  type text not null default '',
  body text not null,
  notices jsonb not null,
  attempts integer not null default 1,
  error text,
  received_at timestamptz not null default private.clock(),
  processed_at timestamptz,
  unique (provider, event_key)
);

create index payment_events_open_idx on public.payment_events (received_at) where processed_at is null;
-- All of a person: to be told, and to be erased.
create index payment_events_user_idx on public.payment_events (user_id);
-- What belongs to nobody so far: an erasure looks through it, and a payment that finds its order takes its own.
create index payment_events_unowned_idx on public.payment_events (received_at) where user_id is null and body <> '';
create index payment_events_unowned_notices_idx on public.payment_events using gin (notices jsonb_path_ops)
where user_id is null;

comment on table public.payment_events is 'What providers told us, each once';
comment on column public.payment_events.event_key is 'The same for every repetition of one event';
comment on column public.payment_events.user_id is 'Whom it is about, when that is known: who paid, or whose order it is';
comment on column public.payment_events.body is 'As it came; what is not UTF-8 replaced; empty once its person is erased';
comment on column public.payment_events.notices is 'The same in our words (shared/payments/notice.py); empty once its person is erased';
alter table public.payment_events enable row level security;
revoke all on table public.payment_events from public, anon, authenticated, service_role;
revoke all on sequence public.payment_events_id_seq from public, anon, authenticated, service_role;

-- What moved of a payment, once each: the payment itself, refunds, disputes. However often and in whatever order
-- they are told, the sums are the same.

create table public.payment_operations (
  payment_id bigint not null references public.payments (id) on delete cascade,
  kind text not null check (kind in ('paid', 'refund', 'refund_total', 'dispute')),
  operation_id text not null,
  amount numeric not null check (amount >= 0),
  is_undone boolean not null default false,
  is_final boolean not null default false,
  created_at timestamptz not null default private.clock(),
  primary key (payment_id, kind, operation_id)
);

comment on table public.payment_operations is 'What moved of a payment, once each';
comment on column public.payment_operations.is_undone is 'A refund that failed, a dispute that was won: counts no more';
comment on column public.payment_operations.is_final is 'Nothing that is told later changes is_undone';
alter table public.payment_operations enable row level security;
revoke all on table public.payment_operations from public, anon, authenticated, service_role;

-- What a product costs, in each currency it is sold for.

create table public.product_prices (
  product_key text not null references public.products (key) on update cascade on delete cascade,
  currency text not null check (currency ~ '^[A-Z]{3,5}$'),
  amount numeric(12, 2) not null check (amount > 0),
  primary key (product_key, currency),
  check (currency <> 'XTR' or amount = trunc(amount))
);

comment on table public.product_prices is 'What a product costs';
comment on column public.product_prices.currency is 'ISO 4217; XTR: Telegram Stars';
alter table public.product_prices enable row level security;
revoke all on table public.product_prices from public, anon, authenticated, service_role;

insert into public.product_prices (product_key, currency, amount)
values
('premium_month', 'XTR', 350), ('premium_month', 'RUB', 499), ('premium_month', 'USD', 5.99),
('premium_year', 'XTR', 3500), ('premium_year', 'RUB', 4990), ('premium_year', 'USD', 59.90),
('credits_100', 'XTR', 100), ('credits_100', 'RUB', 149), ('credits_100', 'USD', 1.99),
('credits_1000', 'XTR', 750), ('credits_1000', 'RUB', 990), ('credits_1000', 'USD', 11.99),
('balance_500', 'XTR', 375), ('balance_500', 'RUB', 500)
on conflict (product_key, currency) do nothing;

-- Tells the admins about money that somebody must look at.
--
-- Twice or at once: the caller asks once for each trouble of a payment.
-- Returns: see private.tell_person, one for each admin who ever wrote to a bot.
-- Errors: none.
create or replace function private.alarm_about(p_payment public.payments, p_trouble text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(t.message), '[]')
      from public.admins as a
      join public.users as u on u.telegram_id = a.telegram_id
      cross join lateral (
        select coalesce(
          (select o.bot from public.orders as o where o.id = p_payment.order_id),
          (select s.bot from public.bot_sessions as s where s.user_id = u.id order by s.updated_at desc limit 1)
        ) as bot
      ) as b
      cross join lateral jsonb_array_elements(
        private.tell_person(
          u.id,
          b.bot,
          'payment_alarm_' || p_trouble,
          jsonb_build_object(
            'payment', p_payment.id,
            'provider', p_payment.provider,
            'number', p_payment.provider_payment_id,
            'money', jsonb_build_object('amount', p_payment.amount, 'currency', p_payment.currency)
          )
        )
      ) as t (message)
  );
end
$$;

revoke all on function private.alarm_about from public, anon, authenticated;
comment on function private.alarm_about is 'Tells the admins about money that somebody must look at';

-- Applies events that were kept and could not be applied when they came.
--
-- Twice or at once: events that somebody holds are skipped; applying twice changes nothing. Before an event its people
--   are held, as everywhere; their erasure may have emptied it meanwhile.
-- Returns: jsonb {applied, failed, outgoing}: how many, and the messages that are owed now.
-- Errors: none of its own.
create or replace function public.apply_kept_events(p_limit integer default 50, p_accept_test boolean default false)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_event public.payment_events;
  v_told jsonb;
  v_applied integer := 0;
  v_failed integer := 0;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_event in
    select e.*
      from public.payment_events as e
     where e.processed_at is null
       and e.received_at > private.clock() - interval '7 days'
     order by e.received_at
     limit p_limit
  loop
    perform private.hold_payers(v_event.provider, v_event.notices);
    select e.* into v_event
      from public.payment_events as e
     where e.id = v_event.id and e.processed_at is null
       for update skip locked;
    continue when not found;
    v_told := public.record_payment_event(
      v_event.provider, v_event.event_key, v_event.type, v_event.body, v_event.notices, p_accept_test
    );
    v_applied := v_applied + (v_told ->> 'outcome' = 'applied')::integer;
    v_failed := v_failed + (v_told ->> 'outcome' = 'failed')::integer;
    v_outgoing := v_outgoing || coalesce(v_told -> 'outgoing', '[]');
  end loop;
  return jsonb_build_object('applied', v_applied, 'failed', v_failed, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.apply_kept_events from public, anon, authenticated;
grant execute on function public.apply_kept_events to bot_backend, service_role;
comment on function public.apply_kept_events is 'Applies payment events that could not be applied when they came';

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
         saved_method = coalesce(p_notice ->> 'saved_method', p.saved_method),
         claims = p.claims || jsonb_strip_nulls(
           jsonb_build_object(
             'order_id', p_notice -> 'order_id',
             'subscription_id', p_notice -> 'subscription_id',
             -- Who paid is told once: 0 of somebody who was erased stays.
             'telegram_id', coalesce(p.claims -> 'telegram_id', p_notice -> 'telegram_id')
           )
         )
   where p.id = v_payment.id;
  if v_kind in ('paid', 'refunded', 'refund_failed', 'disputed', 'dispute_won', 'dispute_lost') then
    perform private.keep_operation(v_payment.id, p_notice);
  end if;
  return private.settle_payment(v_payment.id, p_accept_test);
end
$$;

revoke all on function private.apply_payment_notice from public, anon, authenticated;
comment on function private.apply_payment_notice is 'Applies one thing that happened to the payment it is about';

-- Notes that a person wants a renewal no more: nothing is charged again, what was paid still runs.
--
-- Twice or at once: the renewal's row is locked; one that is canceled stays so.
-- Returns: jsonb {outcome: canceled | known | unknown, charged_until}.
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
    return jsonb_build_object('outcome', 'known', 'charged_until', v_renewal.charged_until);
  end if;
  update public.renewals as r set status = 'canceled' where r.id = v_renewal.id;
  return jsonb_build_object('outcome', 'canceled', 'charged_until', v_renewal.charged_until);
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
    v_renewal.user_id, v_renewal.bot, 'renewal_' || v_status,
    jsonb_build_object(
      'title', private.titles(v_texts), 'until', jsonb_build_object('date', v_renewal.charged_until)
    )
  );
end
$$;

revoke all on function private.change_renewal from public, anon, authenticated;
comment on function private.change_renewal is 'Applies what a provider says of a subscription of its own';

-- Says whether a person may pay an order now: for providers that ask before they take the money.
--
-- Twice or at once: only reads.
-- Returns: jsonb, a word: ok | unknown | owner | amount | paid | expired. A renewal's first order stays ok: every
--   period asks again (Stars). An order of somebody who was erased is expired.
-- Errors: none.
create or replace function public.check_order(
  p_provider text, p_order_id bigint, p_telegram_id bigint, p_amount numeric, p_currency text
)
returns jsonb
language sql
volatile
security definer
set search_path = ''
as $$
  select to_jsonb(coalesce(
    (
      select case
          when o.user_id is null then 'expired'
          when p_telegram_id is not null and u.telegram_id is distinct from p_telegram_id then 'owner'
          when o.currency <> p_currency or o.amount <> p_amount then 'amount'
          when o.status = 'completed' and not o.renews then 'paid'
          when o.status = 'canceled' or (o.status = 'pending' and o.expires_at <= private.clock()) then 'expired'
          else 'ok'
        end
        from public.orders as o
        left join public.users as u on u.id = o.user_id
       where o.id = p_order_id and o.provider = p_provider
    ),
    'unknown'
  ));
$$;

revoke all on function public.check_order from public, anon, authenticated;
grant execute on function public.check_order to bot_backend, service_role;
comment on function public.check_order is 'Whether a person may pay an order now';

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

-- Gives the orders whose state is to be asked of their provider now (p_providers: a list of keys), and gives up those
-- whose time is over.
--
-- Twice or at once: orders that somebody holds are skipped; one that was given is not given again for a while, which
--   grows with its age: five minutes for a new one, hours for one of days.
-- Returns: json [{id, provider, reference}], the longest unasked first.
-- Errors: none.
create or replace function public.claim_open_orders(p_providers jsonb, p_limit integer default 50)
returns json
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_orders json;
begin
  update public.orders as o
     set status = 'canceled'
    from (
      select e.id
        from public.orders as e
       where e.status = 'pending' and e.expires_at < v_now - interval '1 day'
       order by e.expires_at
       limit p_limit
         for update skip locked
    ) as e
   where o.id = e.id;
  with due as (
    select o.id
      from public.orders as o
     where o.status = 'pending'
       and o.expires_at > v_now - interval '1 day'
       and o.checkout_reference is not null
       and p_providers ? o.provider
       and o.created_at < v_now - interval '5 minutes'
       and coalesce(o.checked_at, '-infinity')
         < v_now - greatest(interval '5 minutes', (v_now - o.created_at) / 6)
     order by coalesce(o.checked_at, o.created_at)
     limit p_limit
       for update skip locked
  ),
  claimed as (
    update public.orders as o set checked_at = v_now from due where o.id = due.id
    returning o.id, o.provider, o.checkout_reference
  )
  select coalesce(
      json_agg(json_build_object('id', c.id, 'provider', c.provider, 'reference', c.checkout_reference)), '[]'
    )
    into v_orders
    from claimed as c;
  return v_orders;
end
$$;

revoke all on function public.claim_open_orders from public, anon, authenticated;
grant execute on function public.claim_open_orders to bot_backend, service_role;
comment on function public.claim_open_orders is 'Gives the orders whose state is to be asked of their provider';

-- Finds what a payment was for, an order of ours or a period of a renewal, and whether it is what we asked.
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
   where r.provider = p_payment.provider
     and r.provider_subscription_id = p_payment.claims ->> 'subscription_id'
     for update;
  v_has_other := exists (
    select from public.payments as p
     where p.order_id = v_order.id and p.id <> p_payment.id and p.problem is null and p.amount > 0
  );
  if v_renewal.id is not null and (v_order.id is null or v_has_other) then
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
         renewal_id = v_renewal.id,
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

-- Makes an order of one product at the price it has now.
--
-- Twice or at once: with the same reference there is one order, and every call gets it. The person is held, so that an
--   erasure comes before it, or finds it.
-- Returns: jsonb
--   {outcome: created | known, id, status, kind, title_texts, amount, currency, period, renews, expires_at, checkout_url}
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
  v_amount numeric;
  v_order public.orders;
  v_is_new boolean;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'there is no such person' using errcode = 'M0003';
  end if;
  select p.* into v_product from public.products as p where p.key = p_product_key and p.is_active;
  select c.amount into v_amount
    from public.product_prices as c
   where c.product_key = v_product.key and c.currency = p_currency;
  if v_amount is null then
    return jsonb_build_object('outcome', 'not_for_sale');
  end if;
  insert into public.orders as o (
    user_id, product_key, provider, currency, amount, kind, plan, period, quantity, renews, contact, bot,
    reference, expires_at
  )
  values (
    p_user_id, v_product.key, p_provider, p_currency, v_amount, v_product.kind, v_product.plan, v_product.period,
    v_product.quantity, p_renews and v_product.kind = 'subscription', p_contact, p_bot, p_reference,
    private.clock() + make_interval(hours => private.setting('order_hours')::integer)
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

-- Gives what was paid for: time of a plan, bonus credits or balance; completes the order, keeps the renewal, pays the
-- referrer's commission, and tells the buyer.
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

-- Holds the people that an event is about until the transaction ends, so that nobody erases them in between.
--
-- Twice or at once: whoever changes money of a person holds them before they lock anything else of theirs. An erasure has
--   the person alone, then locks what is theirs; so it never waits for somebody who waits for it.
-- Returns: nothing.
-- Errors: none.
create or replace function private.hold_payers(p_provider text, p_notices jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_people bigint[] := array(select e.user_id from private.people_of_event(p_provider, p_notices) as e);
begin
  perform from public.users as u where u.id = any(v_people) order by u.id for key share;
end
$$;

revoke all on function private.hold_payers from public, anon, authenticated;
comment on function private.hold_payers is 'Holds the people that an event is about';

-- Keeps where an order is paid and the provider's number of it.
--
-- Twice or at once: the last one told counts; an order that is paid already keeps what it has, and one of somebody who
--   was erased meanwhile keeps nothing.
-- Returns: nothing.
-- Errors: none.
create or replace function public.keep_checkout(p_order_id bigint, p_url text, p_reference text)
returns void
language sql
volatile
security definer
set search_path = ''
as $$
  update public.orders as o
     set checkout_url = p_url, checkout_reference = nullif(p_reference, '')
   where o.id = p_order_id and o.status <> 'completed' and o.user_id is not null;
$$;

revoke all on function public.keep_checkout from public, anon, authenticated;
grant execute on function public.keep_checkout to bot_backend, service_role;
comment on function public.keep_checkout is 'Keeps where an order is paid';

-- Keeps what moved of a payment, by its own number.
--
-- Twice or at once: the caller holds the payment's row; a known number changes only from open to decided. All refunds
--   told as one sum keep the greatest.
-- Returns: nothing.
-- Errors: M0001, an amount is missing or below zero.
create or replace function private.keep_operation(p_payment_id bigint, p_notice jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_kind text := p_notice ->> 'kind';
  v_amount numeric := (p_notice ->> 'amount')::numeric;
  v_is_total boolean := coalesce((p_notice ->> 'is_total')::boolean, false);
begin
  if (v_amount is null and v_kind in ('paid', 'refunded', 'disputed')) or v_amount < 0 then
    raise exception 'a % without a usable amount', v_kind using errcode = 'M0001';
  end if;
  insert into public.payment_operations as o (payment_id, kind, operation_id, amount, is_undone, is_final)
  values (
    p_payment_id,
    case
      when v_kind = 'paid' then 'paid'
      when v_kind = 'refunded' and v_is_total then 'refund_total'
      when v_kind in ('refunded', 'refund_failed') then 'refund'
      else 'dispute'
    end,
    coalesce(p_notice ->> 'operation_id', p_notice ->> 'payment_id'),
    coalesce(v_amount, 0),
    v_kind in ('refund_failed', 'dispute_won'),
    v_kind in ('refund_failed', 'dispute_won', 'dispute_lost')
  )
  on conflict (payment_id, kind, operation_id) do update
    set amount = case
          when o.kind = 'paid' then o.amount else greatest(o.amount, excluded.amount)
        end,
        is_undone = case when o.is_final then o.is_undone else excluded.is_undone end,
        is_final = o.is_final or excluded.is_final;
end
$$;

revoke all on function private.keep_operation from public, anon, authenticated;
comment on function private.keep_operation is 'Keeps what moved of a payment, by its own number';

-- Keeps that a payment will be repeated each period, or that it was.
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
         charged_until = p_ends_at
   where r.id = p_payment.renewal_id;
  insert into public.renewals (
    user_id, product_key, provider, provider_subscription_id, currency, amount, plan, period, bot,
    saved_method, charged_until
  )
  select
    o.user_id, o.product_key, o.provider,
    coalesce(p_payment.claims ->> 'subscription_id', 'order:' || o.id),
    o.currency, o.amount, o.plan, o.period, o.bot,
    case when p_payment.claims ->> 'subscription_id' is null then p_payment.saved_method end,
    p_ends_at
    from public.orders as o
   where o.id = p_payment.order_id
     and o.renews
     and coalesce(p_payment.claims ->> 'subscription_id', p_payment.saved_method) is not null
  on conflict (provider, provider_subscription_id) do nothing;
end
$$;

revoke all on function private.keep_renewal from public, anon, authenticated;
comment on function private.keep_renewal is 'Keeps that a payment will be repeated each period';

-- Changes a person's balance for a payment, through the ledger.
--
-- Twice or at once: the ledger's reference is made of the payment, the effect and p_move, so each move counts once.
-- Returns: nothing.
-- Errors: those of adjust_balance.
create or replace function private.move_balance(
  p_user_id bigint, p_amount numeric, p_reason text, p_payment_id bigint, p_effect text, p_move integer
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform public.adjust_balance(
    (select u.telegram_id from public.users as u where u.id = p_user_id),
    p_amount,
    p_reason,
    format('payments:%s:%s:%s', p_payment_id, p_effect, p_move)
  );
end
$$;

revoke all on function private.move_balance from public, anon, authenticated;
comment on function private.move_balance is 'Changes a person''s balance for a payment';

-- Takes some of an effect back (p_amount below zero) or returns it.
--
-- Twice or at once: the caller holds the payment and the person; the ledger's reference has the number of the move.
-- Returns: how much was taken, what the person had left at most; 0 when something was returned.
-- Errors: none.
create or replace function private.move_effect(
  p_payment public.payments, p_effect public.payment_effects, p_amount numeric
)
returns numeric
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_user public.users;
  v_plan text;
  v_taken numeric := 0;
begin
  select u.* into v_user from public.users as u where u.id = p_effect.user_id;
  if not found or p_amount = 0 then
    return 0;
  end if;
  case p_effect.effect
    when 'credits' then
      v_taken := least(-p_amount, v_user.bonus_credits);
      update public.users as u
         set bonus_credits = u.bonus_credits - v_taken::integer
       where u.id = v_user.id;
    when 'balance', 'commission' then
      v_taken := least(-p_amount, v_user.balance);
      if v_taken <> 0 then
        perform private.move_balance(
          v_user.id, -v_taken, 'refund', p_payment.id, p_effect.effect, p_effect.moves + 1
        );
      end if;
    when 'subscription' then
      select s.plan into v_plan from public.subscriptions as s where s.id = p_effect.subscription_id;
      if p_amount > 0 then
        perform private.extend_subscription(v_user.id, v_plan, 'purchase', null, p_amount);
      else
        v_taken := floor(private.shorten_subscription(v_user.id, v_plan, 'purchase', -p_amount));
      end if;
    else
      v_taken := greatest(-p_amount, 0);
  end case;
  return greatest(v_taken, 0);
end
$$;

revoke all on function private.move_effect from public, anon, authenticated;
comment on function private.move_effect is 'Takes some of an effect back, or returns it';

-- Notes what happened to an order before money came: it is being paid, an attempt failed, or it was given up.
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
  if not found or v_order.status <> 'pending' then
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

-- Notes whom an event is about. Of somebody who was erased it keeps nothing personal, nor does the payment. What concerns
-- nobody here and was never of use (kind other) does not keep its words either.
--
-- Twice or at once: the caller holds the event's row.
-- Returns: nothing.
-- Errors: none.
create or replace function private.own_event(p_event_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_event public.payment_events;
  v_user_id bigint;
begin
  select e.* into v_event from public.payment_events as e where e.id = p_event_id;
  select p.user_id into v_user_id
    from private.people_of_event(v_event.provider, v_event.notices) as p
   order by p.user_id is null, p.is_payer desc
   limit 1;
  if v_user_id is not null then
    update public.payment_events as e set user_id = v_user_id where e.id = p_event_id;
  elsif found then
    perform private.strip_payments(
      array(
        select p.id
          from public.payments as p
         where p.provider = v_event.provider
           and p.provider_payment_id = any(
             array(select n.value ->> 'payment_id' from jsonb_array_elements(v_event.notices) as n)
           )
      )
    );
    perform private.strip_events(array[p_event_id]);
  elsif v_event.notices <> '[]'
    and not exists (select from jsonb_array_elements(v_event.notices) as n where n.value ->> 'kind' <> 'other')
  then
    update public.payment_events as e set body = '' where e.id = p_event_id;
  end if;
end
$$;

revoke all on function private.own_event from public, anon, authenticated;
comment on function private.own_event is 'Notes whom an event is about';

-- Notes whom the events of a payment are about that came before its order was known.
--
-- Twice or at once: the caller holds the payment's row; events that somebody holds are skipped: whoever holds them notes
--   it themselves.
-- Returns: nothing.
-- Errors: none.
create or replace function private.own_events_of(p_payment public.payments)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_id bigint;
begin
  for v_id in
    select e.id
      from public.payment_events as e
     where e.user_id is null
       and e.provider = p_payment.provider
       and e.notices @> jsonb_build_array(jsonb_build_object('payment_id', p_payment.provider_payment_id))
       for update skip locked
  loop
    perform private.own_event(v_id);
  end loop;
end
$$;

revoke all on function private.own_events_of from public, anon, authenticated;
comment on function private.own_events_of is 'Notes whom the earlier events of a payment are about';

-- Gives whoever brought the buyer their share of a payment, in the unit of balances only.
--
-- Twice or at once: the effect is unique per payment. The caller holds both people.
-- Returns: nothing.
-- Errors: none.
create or replace function private.pay_commission(p_payment public.payments, p_referrer_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_share numeric := round(
    p_payment.amount * private.setting('referral_commission_percent')::numeric / 100, 2
  );
begin
  if p_referrer_id is null or v_share <= 0 or p_payment.currency <> private.setting('balance_currency') then
    return;
  end if;
  insert into public.payment_effects (payment_id, effect, user_id, given)
  values (p_payment.id, 'commission', p_referrer_id, v_share)
  on conflict (payment_id, effect) do nothing;
  if found then
    perform private.move_balance(p_referrer_id, v_share, 'referral commission', p_payment.id, 'commission', 0);
  end if;
end
$$;

revoke all on function private.pay_commission from public, anon, authenticated;
comment on function private.pay_commission is 'Gives a referrer their share of a payment';

-- What a person ordered and paid, the newest first.
--
-- Twice or at once: only reads.
-- Returns: json [{id, texts, amount, currency, status, provider, at, refunded}]; status is pending | canceled for an order
--   without money, else the payment's; `at` is when it was paid, or ordered.
-- Errors: none.
create or replace function public.payment_history(p_user_id bigint, p_limit integer default 10)
returns json
language sql
volatile
security definer
set search_path = ''
as $$
  with lines as (
    select
      p.id, d.texts, p.amount, p.currency, p.status, p.provider, p.refunded + p.disputed as refunded,
      p.completed_at as at
    from public.payments as p
    left join public.orders as o on o.id = p.order_id
    left join public.renewals as r on r.id = p.renewal_id
    join public.products as d on d.key = coalesce(o.product_key, r.product_key)
    where p.user_id = p_user_id and p.amount > 0
    union all
    select
      null, d.texts, o.amount, o.currency,
      case when o.expires_at <= (select private.clock()) then 'canceled' else o.status end,
      o.provider, 0, o.created_at
    from public.orders as o
    join public.products as d on d.key = o.product_key
    where o.user_id = p_user_id and o.status <> 'completed'
    order by at desc
    limit least(p_limit, 50)
  )
  select coalesce(
      json_agg(
        json_build_object(
          'id', l.id,
          'texts', l.texts,
          'amount', l.amount::text,
          'currency', l.currency,
          'status', l.status,
          'provider', l.provider,
          'refunded', l.refunded::text,
          'at', l.at
        )
        order by l.at desc
      ),
      '[]'
    )
    from lines as l;
$$;

revoke all on function public.payment_history from public, anon, authenticated;
grant execute on function public.payment_history to bot_backend, service_role;
comment on function public.payment_history is 'What a person ordered and paid';

-- Finds the people that something told by a provider is about: who paid, as far as the provider knows, and whose order or
-- renewal it is. A charge that we know already says it too.
--
-- Twice or at once: only reads.
-- Returns: a row for each; user_id is null for an order or a renewal of somebody who was erased.
-- Errors: none.
create or replace function private.people_of_event(p_provider text, p_notices jsonb)
returns table (user_id bigint, is_payer boolean)
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_telegram_ids bigint[];
  v_order_ids bigint[];
  v_subscription_ids text[];
begin
  -- As arrays: a handful of them, and the planner knows it.
  select
    array_agg((t.claims ->> 'telegram_id')::bigint),
    array_agg((t.claims ->> 'order_id')::bigint),
    array_agg(t.claims ->> 'subscription_id')
    into v_telegram_ids, v_order_ids, v_subscription_ids
    from (
      select n.value as claims from jsonb_array_elements(p_notices) as n
      union all
      select p.claims
        from public.payments as p
       where p.provider = p_provider
         and p.provider_payment_id = any(
           array(select n.value ->> 'payment_id' from jsonb_array_elements(p_notices) as n)
         )
    ) as t;
  return query
    select u.id, true from public.users as u where u.telegram_id = any(v_telegram_ids)
    union all
    select o.user_id, false from public.orders as o where o.id = any(v_order_ids) and o.provider = p_provider
    union all
    select r.user_id, false
      from public.renewals as r
     where r.provider = p_provider and r.provider_subscription_id = any(v_subscription_ids);
end
$$;

revoke all on function private.people_of_event from public, anon, authenticated;
comment on function private.people_of_event is 'The people that something told by a provider is about';

-- What can be bought now, with its prices.
--
-- Twice or at once: only reads.
-- Returns: json [{key, kind, plan, period, quantity, texts, prices: {currency: amount}}] in their order; amounts and
--   quantities are text. Without a price a product is not for sale.
-- Errors: none.
create or replace function public.products_for_sale()
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
          'prices', s.prices
        )
        order by p.position, p.key
      ),
      '[]'
    )
    from public.products as p
    join lateral (
      select json_object_agg(c.currency, c.amount::text) as prices, count(*) as count
        from public.product_prices as c
       where c.product_key = p.key
    ) as s on s.count > 0
   where p.is_active;
$$;

revoke all on function public.products_for_sale from public, anon, authenticated;
grant execute on function public.products_for_sale to bot_backend, service_role;
comment on function public.products_for_sale is 'What can be bought now, with its prices';

-- Keeps what a provider told us and applies it. What fails to apply is kept with its error and answered so that the
-- provider tells it again; the same event a second time finds itself done.
--
-- Twice or at once: its people are held before anything of theirs is locked, so that an erasure of them never waits in
--   a circle. The event is unique and its row locked, then the payment's (private.apply_payment_notice).
--   Applying is a transaction within this one: its failure undoes itself and leaves the event.
-- Returns: jsonb
--   {outcome: applied, outgoing: [{bot, id, method, parameters}]}   messages that are owed from now on
--   {outcome: known}                                                applied before
--   {outcome: failed, error}                                        the provider shall tell it again
-- Errors: none of its own.
create or replace function public.record_payment_event(
  p_provider text,
  p_event_key text,
  p_type text,
  p_body text,
  p_notices jsonb,
  p_accept_test boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_event public.payment_events;
  v_notice jsonb;
  v_outgoing jsonb := '[]'::jsonb;
  v_error text;
begin
  perform private.hold_payers(p_provider, p_notices);
  insert into public.payment_events as e (provider, event_key, type, body, notices)
  values (p_provider, p_event_key, p_type, p_body, p_notices)
  on conflict (provider, event_key) do update
    set attempts = e.attempts + 1
  returning e.* into v_event;
  if v_event.processed_at is not null then
    return jsonb_build_object('outcome', 'known');
  end if;

  begin
    for v_notice in select n.value from jsonb_array_elements(p_notices) as n (value)
    loop
      v_outgoing := v_outgoing || private.apply_payment_notice(p_provider, v_notice, p_accept_test);
    end loop;
    v_outgoing := v_outgoing || private.settle_waiting_payments(p_accept_test);
  exception when others then
    get stacked diagnostics v_error = message_text;
    v_error := sqlstate || ' ' || v_error;
  end;
  update public.payment_events as e
     set processed_at = case when v_error is null then private.clock() end, error = v_error
   where e.id = v_event.id;
  perform private.own_event(v_event.id);
  if v_error is not null then
    return jsonb_build_object('outcome', 'failed', 'error', v_error);
  end if;
  return jsonb_build_object('outcome', 'applied', 'outgoing', v_outgoing);
end
$$;

revoke all on function public.record_payment_event from public, anon, authenticated;
grant execute on function public.record_payment_event to bot_backend, service_role;
comment on function public.record_payment_event is 'Keeps what a payment provider told us and applies it';

-- Tells people that what they bought ends: three days before, one day before, and when it has ended. Who renews is not
-- reminded beforehand.
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
    select s.id, s.user_id, s.plan, s.ends_at, r.reminder, b.bot
      from public.subscriptions as s
      cross join lateral (
        select case
            when s.ends_at <= v_now then 'over'
            when s.ends_at <= v_now + interval '1 day' then 'day'
            else 'days'
          end as reminder
      ) as r
      left join lateral (
        select o.bot from public.orders as o where o.user_id = s.user_id order by o.id desc limit 1
      ) as b on true
     where s.source in ('purchase', 'trial')
       and s.ends_at between v_now - interval '1 day' and v_now + interval '3 days'
       and s.status in ('active', 'expired')
       and s.reminded is distinct from r.reminder || ' ' || s.ends_at::text
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
      'ends_' || v_due.reminder,
      jsonb_build_object('until', jsonb_build_object('date', v_due.ends_at))
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.remind_of_ends from public, anon, authenticated;
grant execute on function public.remind_of_ends to bot_backend, service_role;
comment on function public.remind_of_ends is 'Tells people that what they bought ends';

-- Brings a payment up to date: its sums and status, whose it is, what is given for it, and what is taken back.
--
-- Twice or at once: the caller holds the payment's row. Everything follows from what is kept, so doing it again
--   changes nothing. Then the order's row is locked, then the person's.
-- Returns: jsonb array of the messages that are owed now.
-- Errors: none.
create or replace function private.settle_payment(p_payment_id bigint, p_accept_test boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_before public.payments;
  v_payment public.payments;
  v_outgoing jsonb := '[]'::jsonb;
  v_is_new boolean;
begin
  select p.* into v_before from public.payments as p where p.id = p_payment_id for update;
  v_payment := private.sum_payment(p_payment_id);
  if coalesce(v_payment.amount, 0) = 0 then
    if v_payment.status in ('failed', 'canceled') and v_payment.status <> v_before.status then
      return private.note_order_trouble(
        v_payment.provider,
        v_payment.claims || jsonb_build_object('kind', v_payment.status)
      );
    end if;
    return v_outgoing;
  end if;

  v_is_new := not exists (select from public.payment_effects as e where e.payment_id = p_payment_id);
  if v_is_new then
    v_payment := private.claim_payment(v_payment, p_accept_test);
    if coalesce(v_before.order_id, v_before.renewal_id) is null
      and coalesce(v_payment.order_id, v_payment.renewal_id) is not null
    then
      perform private.own_events_of(v_payment);
    end if;
    if v_payment.problem is not null then
      if v_payment.problem is distinct from v_before.problem then
        v_outgoing := v_outgoing || private.alarm_about(v_payment, v_payment.problem);
      end if;
      return v_outgoing;
    end if;
    v_outgoing := v_outgoing || private.give_for_payment(v_payment);
  end if;
  v_outgoing := v_outgoing || private.take_back(v_payment, v_before);
  if v_payment.disputed > v_before.disputed then
    v_outgoing := v_outgoing || private.alarm_about(v_payment, 'dispute');
  end if;
  return v_outgoing;
end
$$;

revoke all on function private.settle_payment from public, anon, authenticated;
comment on function private.settle_payment is 'Brings a payment and what was given for it up to date';

-- Settles payments that came before the order or the first payment they belong to, now that it is there.
--
-- Twice or at once: payments that somebody holds are skipped: whoever holds them settles them. So are those of people
--   who are being erased: the next event settles them.
-- Returns: jsonb array of the messages that are owed now.
-- Errors: none.
create or replace function private.settle_waiting_payments(p_accept_test boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_waiting public.payments;
  v_people bigint[];
  v_held integer;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_waiting in
    select p.*
      from public.payments as p
     where p.problem = 'no_order'
       and (
         exists (
           select from public.renewals as r
            where r.provider = p.provider and r.provider_subscription_id = p.claims ->> 'subscription_id'
         )
         or exists (
           select from public.orders as o
            where o.id = (p.claims ->> 'order_id')::bigint and o.provider = p.provider
         )
       )
     order by p.id
     limit 20
       for update skip locked
  loop
    v_people := array(
      select distinct e.user_id
        from private.people_of_event(v_waiting.provider, jsonb_build_array(v_waiting.claims)) as e
       where e.user_id is not null
    );
    perform from public.users as u where u.id = any(v_people) order by u.id for key share skip locked;
    get diagnostics v_held = row_count;
    continue when v_held < cardinality(v_people);
    v_outgoing := v_outgoing || private.settle_payment(v_waiting.id, p_accept_test);
  end loop;
  return v_outgoing;
end
$$;

revoke all on function private.settle_waiting_payments from public, anon, authenticated;
comment on function private.settle_waiting_payments is 'Settles payments whose order has appeared';

-- Sums what moved of a payment and derives its status: paid outweighs failed and canceled, whatever came first.
--
-- Twice or at once: the caller holds the payment's row; computed from payment_operations alone.
-- Returns: the row as it is now.
-- Errors: none.
create or replace function private.sum_payment(p_payment_id bigint)
returns public.payments
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_paid numeric;
  v_refunded numeric;
  v_disputed numeric;
  v_payment public.payments;
begin
  select
    sum(o.amount) filter (where o.kind = 'paid'),
    greatest(
      coalesce(sum(o.amount) filter (where o.kind = 'refund' and not o.is_undone), 0),
      coalesce(max(o.amount) filter (where o.kind = 'refund_total'), 0)
    ),
    coalesce(sum(o.amount) filter (where o.kind = 'dispute' and not o.is_undone), 0)
    into v_paid, v_refunded, v_disputed
    from public.payment_operations as o
   where o.payment_id = p_payment_id;
  update public.payments as p
     set amount = v_paid,
         refunded = v_refunded,
         disputed = v_disputed,
         status = case
           when v_paid > 0 and v_refunded + v_disputed >= v_paid then 'refunded'
           when v_paid > 0 then 'completed'
           when p.is_canceled then 'canceled'
           when p.has_failed then 'failed'
           else 'pending'
         end,
         completed_at = case when v_paid > 0 then coalesce(p.completed_at, private.clock()) end
   where p.id = p_payment_id
  returning p.* into v_payment;
  return v_payment;
end
$$;

revoke all on function private.sum_payment from public, anon, authenticated;
comment on function private.sum_payment is 'Sums what moved of a payment and derives its status';

-- Takes back what was given, in the share of the payment that was refunded or disputed, or returns it when a refund
-- failed or a dispute was won. Nobody's credits, balance or time fall below zero, and what could not be taken is not
-- returned either; of an erased person nothing moves any more, the sums go on.
--
-- Twice or at once: the caller holds the payment's row; how much should be taken is kept (aim), so the same sums do
--   nothing again.
-- Returns: jsonb array of the messages that are owed now.
-- Errors: none.
create or replace function private.take_back(p_payment public.payments, p_before public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_share numeric := least(1, (p_payment.refunded + p_payment.disputed) / p_payment.amount);
  v_effect public.payment_effects;
  v_aim numeric;
  v_taken numeric;
  v_has_changed boolean := false;
begin
  perform from public.users as u
    where u.id in (select e.user_id from public.payment_effects as e where e.payment_id = p_payment.id)
    order by u.id
      for no key update;
  for v_effect in
    select e.* from public.payment_effects as e where e.payment_id = p_payment.id order by e.effect
  loop
    v_aim := case
      when v_share = 1 then v_effect.given
      when v_effect.effect in ('balance', 'commission') then round(v_effect.given * v_share, 2)
      when v_effect.effect = 'course' then 0
      else floor(v_effect.given * v_share)
    end;
    if v_effect.user_id is null then
      v_aim := greatest(v_aim, v_effect.taken);  -- what was taken stays taken
    end if;
    continue when v_aim = v_effect.aim;
    v_has_changed := true;
    if v_aim > v_effect.aim then
      v_taken := v_effect.taken + private.move_effect(p_payment, v_effect, v_effect.aim - v_aim);
    else
      v_taken := least(v_effect.taken, v_aim);
      perform private.move_effect(p_payment, v_effect, v_effect.taken - v_taken);
    end if;
    update public.payment_effects as e
       set aim = v_aim, taken = v_taken, moves = e.moves + 1
     where e.payment_id = v_effect.payment_id and e.effect = v_effect.effect;
  end loop;
  if not v_has_changed then
    return '[]'::jsonb;
  end if;
  return private.tell_refund(p_payment, p_before);
end
$$;

revoke all on function private.take_back from public, anon, authenticated;
comment on function private.take_back is 'Takes back what was given for a payment';

-- Owes a person a message: which text, and its values. Python puts it into words in their language.
--
-- Twice or at once: every call owes one message; the caller asks once.
-- Returns: jsonb array with {bot, id, method, parameters} for whoever sends it now; empty for an erased person.
-- Errors: none.
create or replace function private.tell_person(p_user_id bigint, p_bot text, p_key text, p_values jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_parameters jsonb;
begin
  select jsonb_build_object(
      'chat_id', u.telegram_id,
      'key', p_key,
      'languages', jsonb_build_array(u.language, u.language_code),
      'values', p_values
    )
    into v_parameters
    from public.users as u
   where u.id = p_user_id;
  if not found or p_bot is null then
    return '[]'::jsonb;
  end if;
  return jsonb_build_array(
    jsonb_build_object(
      'bot', p_bot,
      'id', (private.owe_calls(
        p_bot, null, jsonb_build_array(jsonb_build_object('method', 'notice', 'parameters', v_parameters))
      ) ->> 0)::bigint,
      'method', 'notice',
      'parameters', v_parameters
    )
  );
end
$$;

revoke all on function private.tell_person from public, anon, authenticated;
comment on function private.tell_person is 'Owes a person a message';

-- Tells the buyer what became of their money: a refund, in part or whole, or that it is theirs again.
--
-- Twice or at once: the caller asks when the sums have changed.
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
  select b.bot, p.texts into v_bought
    from (
      select o.product_key, o.bot from public.orders as o where o.id = p_payment.order_id
      union all
      select r.product_key, r.bot from public.renewals as r where r.id = p_payment.renewal_id
    ) as b
    join public.products as p on p.key = b.product_key;
  return private.tell_person(
    p_payment.user_id,
    v_bought.bot,
    case when v_back < 0 then 'refund_undone' when p_payment.disputed > p_before.disputed then 'disputed'
      else 'refunded' end,
    jsonb_build_object(
      'title', private.titles(v_bought.texts),
      'money', jsonb_build_object('amount', abs(v_back), 'currency', p_payment.currency)
    )
  );
end
$$;

revoke all on function private.tell_refund from public, anon, authenticated;
comment on function private.tell_refund is 'Tells the buyer what became of their money';

-- Takes the titles out of a product's texts.
--
-- Twice or at once: computes only.
-- Returns: jsonb {language: title}.
-- Errors: none.
create or replace function private.titles(p_texts jsonb)
returns jsonb
language sql
immutable
security invoker
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(t.key, t.value -> 'title'), '{}') from jsonb_each(p_texts) as t;
$$;

revoke all on function private.titles from public, anon, authenticated;
comment on function private.titles is 'The titles of a product by language';

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
     set status = 'ended', ended_at = coalesce(r.ended_at, private.clock()), saved_method = null
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

-- Erases the person of an update, as the last thing that this update does. What accounting needs stays and
-- belongs to nobody: orders and payments, the ledger, whose remaining balance is booked out first, and what admins did.
-- Whoever they brought, or were brought by, keeps what they got.
--
-- Twice or at once: the caller holds the update's row and the person alone (private.hold_person), so every
--   change of theirs is committed or will find nobody. Their updates that others hold right now are passed over:
--   those strip them themselves, there, when they come to the person.
-- Returns: nothing. p_erasure {hash, balance}: what remembers them in erased_people, and the balance that they
--   agreed to lose. The update keeps its answer, without the chat it goes to; calls that it owes stay until
--   they are made.
-- Errors: Y0001, the balance is more than was agreed to; Y0002, a renewal is running.
create or replace function private.erase_person(p_update public.telegram_updates, p_erasure jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_user public.users;
  v_other record;
begin
  select u.* into v_user from public.users as u where u.id = p_update.user_id;
  if v_user.balance > (p_erasure ->> 'balance')::numeric then
    raise exception 'the balance is more than the person agreed to lose' using errcode = 'Y0001';
  elsif v_user.balance > 0 then
    -- The reference tells nothing of whose it was.
    insert into public.balance_transactions (user_id, amount, balance_after, reason, reference)
    values (v_user.id, -v_user.balance, 0, 'erased', 'erased:' || gen_random_uuid());
  end if;
  perform private.erase_money(v_user);
  perform private.remember_person(v_user, p_erasure ->> 'hash');

  update public.telegram_updates as t
     set chat_id = null, user_id = null, delivery = null, answer = t.answer - 'chat_id'
   where t.bot = p_update.bot and t.update_id = p_update.update_id;
  for v_other in
    select t.bot, t.update_id
      from public.telegram_updates as t
     where t.user_id = v_user.id
       for update skip locked
  loop
    perform private.strip_update(v_other.bot, v_other.update_id);
  end loop;
  delete from public.telegram_outbox as o
   where o.chat_id = v_user.telegram_id
     and (o.bot, o.update_id) is distinct from (p_update.bot, p_update.update_id);
  -- Bodies that nobody could read: whose they are, only their text may tell.
  update public.telegram_updates as t
     set payload = null, error = null
   where t.kind = 'unusable' and strpos(t.payload #>> '{}', v_user.telegram_id::text) > 0;

  update public.audit_log as l
     set user_id = null, before = l.before - 'reason', after = l.after - 'reason'
   where l.user_id = v_user.id;
  delete from public.api_usage as a where a.user_id = v_user.id;
  delete from public.user_referrals as r
   where (r.referrer_id = v_user.id and r.referred_id is null)
      or (r.referred_id = v_user.id and r.referrer_id is null);
  -- All else goes, or belongs to nobody from now on, by its foreign key.
  delete from public.users as u where u.id = v_user.id;
end
$$;

revoke all on function private.erase_person from public, anon, authenticated;
comment on function private.erase_person is 'Erases the person of an update';

-- Collects what is stored about a person's money: what they ordered and paid, what they got for it, what providers said.
--
-- Twice or at once: only reads.
-- Returns: jsonb, one key a table; without what tells of somebody else who paid for them.
-- Errors: none.
create or replace function private.money_section(p_user public.users)
returns jsonb
language sql
stable
security invoker
set search_path = ''
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
    'effects', (
      select coalesce(jsonb_agg(to_jsonb(e) - 'user_id' order by e.payment_id, e.effect), '[]')
        from public.payment_effects as e
       where e.user_id = p_user.id
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

revoke all on function private.money_section from public, anon, authenticated;
comment on function private.money_section is 'What is stored about a person''s money';

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
    'payments', private.money_section(u),
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

-- Takes everything personal out of payment events. What stays lets a repetition be recognised; of an event that still
-- waits to be applied also what happened to the money.
--
-- Twice or at once: emptied once, it stays empty.
-- Returns: nothing.
-- Errors: none.
create or replace function private.strip_events(p_ids bigint[])
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  update public.payment_events as e
     set user_id = null,
         body = '',
         error = null,
         notices = case
           when e.processed_at is not null then '[]'
           else (
             select coalesce(
                 jsonb_agg(
                   n.value - array['saved_method', 'reason']
                   -- Somebody, and nobody of those who are here.
                   || case when n.value ? 'telegram_id' then '{"telegram_id": 0}' else '{}' end::jsonb
                   order by n.position
                 ),
                 '[]'
               )
               from jsonb_array_elements(e.notices) with ordinality as n (value, position)
           )
         end
   where e.id = any(p_ids);
$$;

revoke all on function private.strip_events from public, anon, authenticated;
comment on function private.strip_events is 'Takes everything personal out of payment events';

-- Takes everything personal out of payments: with what a next one could be charged, and who paid (0 from now on, so that
-- money of another person does not become the owner's).
--
-- Twice or at once: emptied once, it stays empty.
-- Returns: nothing.
-- Errors: none.
create or replace function private.strip_payments(p_ids bigint[])
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  update public.payments as p
     set saved_method = null,
         claims = p.claims || case when p.claims ? 'telegram_id' then '{"telegram_id": 0}' else '{}' end::jsonb
   where p.id = any(p_ids);
$$;

revoke all on function private.strip_payments from public, anon, authenticated;
comment on function private.strip_payments is 'Takes everything personal out of payments';

-- Adds a month or a year as the calendar of the setting quota_timezone has them, to the same hour of the wall clock.
--
-- Twice or at once: computes only.
-- Returns: the end; p_anchor_day is the day of the month to end on, or the month's last if it is shorter.
-- Errors: none.
create or replace function private.add_period(p_from timestamptz, p_period text, p_anchor_day integer)
returns timestamptz
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_timezone text := private.setting('quota_timezone');
  v_local timestamp := p_from at time zone v_timezone;
  v_month timestamp := date_trunc('month', v_local)
    + case p_period when 'year' then interval '1 year' else interval '1 month' end;
  v_last_day integer := extract(day from v_month + interval '1 month' - interval '1 day');
begin
  return (
    v_month
    + make_interval(days => least(p_anchor_day, v_last_day) - 1)
    + (v_local - date_trunc('day', v_local))
  ) at time zone v_timezone;
end
$$;

revoke all on function private.add_period from public, anon, authenticated;
comment on function private.add_period is 'Adds a month or a year by the calendar';

-- Gives a person a plan for a period, or for some seconds: from the end of what they bought, or from now.
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
  v_start := coalesce(v_running.ends_at, v_now);
  v_anchor_day := coalesce(
    v_running.anchor_day,
    extract(day from v_start at time zone private.setting('quota_timezone'))::smallint
  );
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

-- Takes time of a plan back, as much as is left of it at most.
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
  update public.subscriptions as s
     set ends_at = greatest(
           s.ends_at - make_interval(secs => v_seconds::double precision), s.starts_at + interval '1 second'
         ),
         status = case when v_seconds < p_seconds or s.ends_at - v_now <= make_interval(secs => v_seconds::double precision)
           then 'canceled' else s.status end,
         ended_at = case when v_seconds < p_seconds or s.ends_at - v_now <= make_interval(secs => v_seconds::double precision)
           then v_now end
   where s.id = v_running.id;
  perform private.refresh_access(p_user_id);
  return v_seconds;
end
$$;

revoke all on function private.shorten_subscription from public, anon, authenticated;
comment on function private.shorten_subscription is 'Takes time of a plan back';

-- What a person has of time that was bought, and what renews it.
--
-- Twice or at once: only reads.
-- Returns: json {plan, ends_at, renewals: [{id, texts, provider, provider_subscription_id, status, amount, currency,
--   charged_until, payment_id}]}; payment_id is its last charge; renewals are those that are not over, the newest first.
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
              'payment_id', (
                select y.provider_payment_id
                  from public.payments as y
                 where y.renewal_id = r.id
                    or (
                      y.user_id = p_user_id
                      and y.provider = r.provider
                      and y.claims ->> 'subscription_id' = r.provider_subscription_id
                    )
                 order by y.id desc
                 limit 1
              )
            )
            order by r.id desc
          )
          from public.renewals as r
          join public.products as p on p.key = r.product_key
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
-- squawk-ignore constraint-missing-not-valid
alter table public.subscriptions add constraint subscriptions_anchor_day_check CHECK (((anchor_day >= 1) AND (anchor_day <= 31)));

-- Nothing was bought yet: the index is empty, and the table small.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX subscriptions_reminder_idx ON public.subscriptions USING btree (ends_at) WHERE (source = ANY (ARRAY['purchase'::text, 'trial'::text]));

comment on column public.subscriptions.anchor_day is 'The day of the month it began on: a month from 31 January ends in February, and the next one on 31 March';

comment on column public.subscriptions.reminded is 'The last reminder of its end that was sent, with the end it spoke of';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "order_hours", "about": "How long an order may be paid; late money is honoured all the same", "value": 24}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "referral_commission_percent", "about": "Share of a payment in balance_currency that whoever brought the buyer gets; 0 to 100", "value": 0}') on conflict do nothing;
