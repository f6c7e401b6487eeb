-- Product catalogue. An inactive product is hidden everywhere; existing orders for it are still fulfilled. A new database has
-- these products inactive and without prices: an admin sets the prices and activates them (/products). supabase/seed.sql has
-- prices for local use.

create table public.products (
  key text primary key check (key ~ '^[a-z0-9_]{1,32}$'),
  kind text not null check (kind in ('subscription', 'credits', 'balance', 'course')),
  plan text references public.subscription_limits (plan) on update cascade,
  period text check (period in ('month', 'year')),
  quantity numeric(12, 2) check (quantity > 0),
  texts jsonb not null check (jsonb_typeof(texts) = 'object'),
  position integer not null default 0,
  is_active boolean not null default false,
  created_at timestamptz not null default private.clock(),
  -- At least one title: receipts and buttons show it.
  check (jsonb_path_exists(texts, 'strict $.* ? (@.title like_regex "[^[:space:]]")', '{}', true)),
  check ((kind = 'subscription') = (plan is not null and period is not null)),
  check ((kind in ('credits', 'balance')) = (quantity is not null))
);

create index products_plan_idx on public.products (plan);

comment on table public.products is 'Product catalogue';
comment on column public.products.plan is 'Plan that a subscription grants for one period';
comment on column public.products.quantity is 'Bonus credits, or amount of balance in the currency of the setting balance_currency';
comment on column public.products.texts is 'By language: {"ru": {"title": "…", "description": "…"}}; a title has at most 32 characters';
alter table public.products enable row level security;
revoke all on table public.products from public, anon, authenticated, service_role;

insert into public.products (key, kind, plan, period, quantity, texts, position)
values
(
  'premium_month', 'subscription', 'PREMIUM', 'month', null,
  '{"ru": {"title": "Премиум на месяц", "description": "1 000 запросов в день на месяц, голосовые до 10 минут, документы до 200 страниц"},
    "en": {"title": "Premium for a month", "description": "1,000 requests a day for a month, voice messages up to 10 minutes, documents up to 200 pages"}}', 10
),
(
  'premium_year', 'subscription', 'PREMIUM', 'year', null,
  '{"ru": {"title": "Премиум на год", "description": "1 000 запросов в день на год, голосовые до 10 минут, документы до 200 страниц"},
    "en": {"title": "Premium for a year", "description": "1,000 requests a day for a year, voice messages up to 10 minutes, documents up to 200 pages"}}', 20
),
(
  'credits_100', 'credits', null, null, 100,
  '{"ru": {"title": "100 запросов", "description": "Сверх дневного лимита, не сгорают"},
    "en": {"title": "100 requests", "description": "On top of your daily limit. They never expire."}}', 30
),
(
  'credits_1000', 'credits', null, null, 1000,
  '{"ru": {"title": "1 000 запросов", "description": "Сверх дневного лимита, не сгорают"},
    "en": {"title": "1,000 requests", "description": "On top of your daily limit. They never expire."}}', 40
),
(
  'balance_500', 'balance', null, null, 500,
  '{"ru": {"title": "Пополнение на 500 ₽", "description": "Для покупок в этом боте"},
    "en": {"title": "Top up 500 ₽", "description": "Spend it on anything in this bot"}}', 50
)
on conflict (key) do nothing;
