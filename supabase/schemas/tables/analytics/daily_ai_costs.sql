-- AI cost of finished days by plan and model, summed from api_usage by the job `analytics`, without calls on user API keys. The
-- plan is the one that a user had in the night after.

create table public.daily_ai_costs (
  day date not null,
  plan text not null,
  provider text not null,
  model text not null,
  calls integer not null,
  cost numeric(18, 8) not null,
  primary key (day, plan, provider, model)
);

comment on table public.daily_ai_costs is 'AI cost of finished days by plan and model';
comment on column public.daily_ai_costs.cost is 'US dollars; see api_usage.cost';
alter table public.daily_ai_costs enable row level security;
revoke all on table public.daily_ai_costs from public, anon, authenticated, service_role;
