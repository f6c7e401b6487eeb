-- AI requests per user and month over all bots: the sums of daily_usage as counters, so that no read adds up days.

create table public.monthly_usage (
  user_id bigint not null references public.users (id) on delete cascade,
  month date not null,
  requests integer not null default 0,
  bonus_requests integer not null default 0,
  primary key (user_id, month),
  -- One constraint: every statement that writes a row parses each constraint of the table anew.
  constraint monthly_usage_check check (
    extract(day from month) = 1 and least(requests, bonus_requests) >= 0
  )
);

comment on table public.monthly_usage is 'AI requests per user and month';
comment on column public.monthly_usage.month is 'First day of the month, in the time zone of the setting quota_timezone';
comment on column public.monthly_usage.requests is 'Requests that are reserved or settled; a released request is subtracted again';
comment on column public.monthly_usage.bonus_requests is 'Requests paid with bonus credits; the plan''s limit does not count them';
alter table public.monthly_usage enable row level security;
revoke all on table public.monthly_usage from public, anon, authenticated, service_role;
