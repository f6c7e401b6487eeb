-- Plan subscriptions of users: plan, source and validity. users.vip_level and is_paid are derived from the active rows
-- (private.refresh_access); of several active plans the highest applies.
--
-- active ─▶ expired    ends_at has passed (private.expire_subscriptions)
--    └────▶ canceled   ended before ends_at: reversed by a refund, or replaced by another one of the same source

create table public.subscriptions (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  plan text not null references public.subscription_limits (plan) on update cascade,
  source text not null check (source <> ''),
  status text not null default 'active' check (status in ('active', 'canceled', 'expired')),
  starts_at timestamptz not null default private.clock(),
  ends_at timestamptz check (ends_at >= starts_at),
  anchor_day smallint check (anchor_day between 1 and 31),
  reminded text,
  ended_at timestamptz check ((ended_at is null) = (status = 'active')),
  created_at timestamptz not null default private.clock(),
  monthly_amount numeric(12, 2) check (monthly_amount > 0),
  currency text,
  check ((monthly_amount is null) = (currency is null))
);

create index subscriptions_user_idx on public.subscriptions (user_id, status);
create index subscriptions_plan_idx on public.subscriptions (plan);
-- The sweep finds subscriptions whose ends_at has passed.
create index subscriptions_ends_at_idx on public.subscriptions (ends_at) where status = 'active';

-- Expiry reminders, before and after ends_at.
create index subscriptions_reminder_idx on public.subscriptions (ends_at)
where source in ('purchase', 'trial', 'promo', 'service');

create trigger subscriptions_track_subscribers
after insert or update of status, monthly_amount, currency on public.subscriptions
for each row when (new.source = 'purchase')
execute function private.track_subscriber();

comment on table public.subscriptions is 'Plan subscriptions of users';
comment on column public.subscriptions.source is 'Origin: purchase, trial, promo (a promo code), service (grant_subscription), adopted (private.adopt_user) or admin';
comment on column public.subscriptions.ends_at is 'When it expires; null: never';
comment on column public.subscriptions.anchor_day is 'Day of the month on which it began: one month from 31 January ends in February, the next one on 31 March';
comment on column public.subscriptions.reminded is 'Last expiry reminder sent, with the ends_at it named';
comment on column public.subscriptions.monthly_amount is 'What the last purchase of it costs a month; null: it was not bought, or the amount is unknown';
comment on column public.subscriptions.ended_at is 'When status left active';
alter table public.subscriptions enable row level security;
revoke all on table public.subscriptions from public, anon, authenticated, service_role;
revoke all on sequence public.subscriptions_id_seq from public, anon, authenticated, service_role;
