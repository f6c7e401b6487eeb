-- AI requests per user, day and bot. The daily limit applies to the sum over all bots.

create table public.daily_usage (
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  day date not null,
  requests integer not null default 0,
  bonus_requests integer not null default 0,
  user_api_key_requests integer not null default 0,
  releases integer not null default 0,
  primary key (user_id, day, bot),
  -- One constraint: every statement that writes a row parses each constraint of the table anew.
  constraint daily_usage_check check (
    least(requests, bonus_requests, user_api_key_requests, releases) >= 0
  )
);

comment on table public.daily_usage is 'AI requests per user, day and bot';
comment on column public.daily_usage.day is 'A day in the time zone of the setting quota_timezone';
comment on column public.daily_usage.requests is 'Requests that are reserved or settled; a released request is subtracted again';
comment on column public.daily_usage.bonus_requests is 'Requests paid with bonus credits; the plan''s limit does not count them';
comment on column public.daily_usage.user_api_key_requests is 'Requests served with the user''s own API key; not limited';
comment on column public.daily_usage.releases is 'Failed requests that were released; the setting daily_releases limits them';
alter table public.daily_usage enable row level security;
revoke all on table public.daily_usage from public, anon, authenticated, service_role;
