-- What each plan allows. Changing a row changes what the bots do with the next update.

create table public.subscription_limits (
  plan text primary key,
  vip_level integer not null unique check (vip_level >= 0),
  daily_requests integer check (daily_requests >= 0)
);

comment on table public.subscription_limits is 'What each plan allows';
comment on column public.subscription_limits.vip_level is 'The plan holds from this users.vip_level up to the next plan''s';
comment on column public.subscription_limits.daily_requests is 'AI requests a day over all bots; null is no limit';
alter table public.subscription_limits enable row level security;
revoke all on table public.subscription_limits from public, anon, authenticated, service_role;

insert into public.subscription_limits (plan, vip_level, daily_requests)
values ('FREE', 0, 25), ('PREMIUM', 1, 1000)
on conflict (plan) do nothing;
