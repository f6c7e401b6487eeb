-- Revenue of finished days, summed from payment_operations by the job `analytics` (private.ledger_revenue). Days that changed
-- since are marked in private.revenue_changes and summed again.

create table public.daily_revenue (
  day date not null,
  currency text not null,
  provider text not null,
  product_key text not null,
  bot text not null,
  source text not null,
  cohort_month date not null,
  gross numeric not null,
  refunds numeric not null,
  payments integer not null,
  refunded integer not null,
  primary key (day, currency, provider, product_key, bot, source, cohort_month)
);

comment on table public.daily_revenue is 'Revenue of finished days';
comment on column public.daily_revenue.day is 'Day of the operation in the time zone of the setting quota_timezone';
comment on column public.daily_revenue.product_key is 'Empty: a payment without an order, which is held';
comment on column public.daily_revenue.source is 'How the buyer came (private.user_source)';
comment on column public.daily_revenue.cohort_month is 'Month in which the buyer started; -infinity: unknown or erased';
comment on column public.daily_revenue.payments is 'Payments that were received';
comment on column public.daily_revenue.refunded is 'Payments that were returned, in part or wholly, disputes included';
alter table public.daily_revenue enable row level security;
revoke all on table public.daily_revenue from public, anon, authenticated, service_role;
