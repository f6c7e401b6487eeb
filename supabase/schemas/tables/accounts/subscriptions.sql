-- Who has which plan until when, and by whose doing. users.vip_level and is_paid follow from the active rows
-- (private.refresh_access): of several plans at once the highest counts.
--
-- active ─▶ expired    its end has come (private.expire_subscriptions)
--    └────▶ canceled   ended before its time: taken back, or replaced by another of the same source

create table public.subscriptions (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  plan text not null references public.subscription_limits (plan) on update cascade,
  source text not null check (source <> ''),
  status text not null default 'active' check (status in ('active', 'canceled', 'expired')),
  starts_at timestamptz not null default private.clock(),
  ends_at timestamptz check (ends_at >= starts_at),
  -- squawk-ignore prefer-bigint-over-smallint
  anchor_day smallint check (anchor_day between 1 and 31),
  reminded text,
  ended_at timestamptz check ((ended_at is null) = (status = 'active')),
  created_at timestamptz not null default private.clock()
);

create index subscriptions_user_idx on public.subscriptions (user_id, status);
create index subscriptions_plan_idx on public.subscriptions (plan);
-- The sweep looks for those whose end has come.
create index subscriptions_ends_at_idx on public.subscriptions (ends_at) where status = 'active';

-- Reminders of ends that come near, and of those that have come.
create index subscriptions_reminder_idx on public.subscriptions (ends_at)
where source in ('purchase', 'trial', 'promo');

comment on table public.subscriptions is 'Who has which plan until when';
comment on column public.subscriptions.source is 'Who gave it: purchase, trial, promo (a promo code) or admin';
comment on column public.subscriptions.ends_at is 'When it ends by itself; null: never';
comment on column public.subscriptions.anchor_day is 'The day of the month it began on: a month from 31 January ends in February, and the next one on 31 March';
comment on column public.subscriptions.reminded is 'The last reminder of its end that was sent, with the end it spoke of';
comment on column public.subscriptions.ended_at is 'When it stopped being active';
alter table public.subscriptions enable row level security;
revoke all on table public.subscriptions from public, anon, authenticated, service_role;
revoke all on sequence public.subscriptions_id_seq from public, anon, authenticated, service_role;
