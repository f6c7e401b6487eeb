-- Subscription figures of each finished day and currency, summed from subscription_events by the job `analytics`.

create table public.daily_subscriptions (
  day date not null,
  currency text not null,
  mrr numeric(14, 2) not null,
  subscribers integer not null,
  new numeric(14, 2) not null default 0,
  expansion numeric(14, 2) not null default 0,
  contraction numeric(14, 2) not null default 0,
  churned numeric(14, 2) not null default 0,
  reactivated numeric(14, 2) not null default 0,
  new_subscribers integer not null default 0,
  lost_subscribers integer not null default 0,
  primary key (day, currency)
);

comment on table public.daily_subscriptions is 'Subscription figures of each finished day and currency';
comment on column public.daily_subscriptions.mrr is 'Monthly recurring revenue at the end of the day';
comment on column public.daily_subscriptions.subscribers is 'Subscribers at the end of the day';
comment on column public.daily_subscriptions.contraction is 'Zero or negative, as churned';
comment on column public.daily_subscriptions.new_subscribers is 'New and returning ones';
comment on column public.daily_subscriptions.lost_subscribers is 'Those whose plan ended';
alter table public.daily_subscriptions enable row level security;
revoke all on table public.daily_subscriptions from public, anon, authenticated, service_role;
