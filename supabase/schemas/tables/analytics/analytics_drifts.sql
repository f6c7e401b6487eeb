-- Figures of finished days that differed from a recount of the ledger (private.check_analytics). The admins were alerted once about
-- each.

create table public.analytics_drifts (
  day date not null,
  figure text not null,
  counted numeric not null,
  recounted numeric not null,
  found_at timestamptz not null default private.clock(),
  primary key (day, figure)
);

comment on table public.analytics_drifts is 'Figures of finished days that differed from a recount';
alter table public.analytics_drifts enable row level security;
revoke all on table public.analytics_drifts from public, anon, authenticated, service_role;
