-- What each plan allows. Changing a row changes what the bots do with the next update.

create table public.subscription_limits (
  plan text primary key,
  vip_level integer not null unique check (vip_level >= 0),
  daily_requests integer check (daily_requests >= 0),
  monthly_requests integer check (monthly_requests >= 0),
  features text[] not null default '{}',
  history_length integer check (history_length >= 0)
);

comment on table public.subscription_limits is 'What each plan allows';
comment on column public.subscription_limits.vip_level is 'The plan holds from this users.vip_level up to the next plan''s';
comment on column public.subscription_limits.daily_requests is 'AI requests a day over all bots; null is no limit';
comment on column public.subscription_limits.monthly_requests is 'AI requests a month over all bots; null is no limit but the days''';
comment on column public.subscription_limits.features is 'What the plan includes beside conversation: modes (the special ways of answering)';
comment on column public.subscription_limits.history_length is 'Messages of a conversation the AI is shown; null is as many as MAX_HISTORY_LENGTH';
alter table public.subscription_limits enable row level security;
revoke all on table public.subscription_limits from public, anon, authenticated, service_role;

-- The days bound the months already: an owner who wants less sets it.
insert into public.subscription_limits
(plan, vip_level, daily_requests, monthly_requests, features, history_length)
values
('FREE', 0, 25, null, '{modes}', 50),
('PREMIUM', 1, 1000, null, '{modes}', null)
on conflict (plan) do nothing;
