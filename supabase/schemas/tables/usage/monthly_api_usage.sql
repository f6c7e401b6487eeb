-- AI calls per user and month: the sums of api_usage as counters, which are never dropped.

create table public.monthly_api_usage (
  user_id bigint not null references public.users (id) on delete cascade,
  month date not null,
  provider text not null,
  model text not null,
  is_user_api_key boolean not null,
  calls integer not null,
  errors integer not null,
  tokens_in bigint not null,
  tokens_out bigint not null,
  cost numeric(16, 8) not null,
  ms bigint not null,
  day date,
  day_cost numeric(16, 8) not null default 0,
  sold_cost numeric(16, 8) not null default 0,
  primary key (user_id, month, provider, model, is_user_api_key),
  -- One constraint: every statement that writes a row parses each constraint of the table anew.
  constraint monthly_api_usage_check check (
    extract(day from month) = 1
    and least(calls, errors) >= 0
    and least(tokens_in, tokens_out, ms) >= 0
    and least(cost, day_cost) >= 0
  )
);

comment on table public.monthly_api_usage is 'Sums of AI calls per user and month';
comment on column public.monthly_api_usage.month is 'First day of the month, in the time zone of the setting quota_timezone';
comment on column public.monthly_api_usage.errors is 'Calls without an answer: their api_usage.status is neither ok nor part';
comment on column public.monthly_api_usage.cost is 'US dollars; see api_usage.cost';
comment on column public.monthly_api_usage.ms is 'Total milliseconds of all calls';
comment on column public.monthly_api_usage.day is 'Day of the last call, in the time zone of the setting quota_timezone';
comment on column public.monthly_api_usage.day_cost is 'Cost of that day in US dollars, summed by the daily cost limit';
comment on column public.monthly_api_usage.sold_cost is 'Part of cost that the user paid for from the balance; the monthly budget leaves it out';
alter table public.monthly_api_usage enable row level security;
revoke all on table public.monthly_api_usage from public, anon, authenticated, service_role;
