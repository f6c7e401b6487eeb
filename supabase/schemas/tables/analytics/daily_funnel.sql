-- How many users of a cohort (those who started on a day, with one bot) reached a step within 30 days of their start. Counters, so
-- that no report counts users.

create table public.daily_funnel (
  cohort_day date not null,
  bot text not null default '',
  step text not null check (step in ('started', 'answered', 'limited', 'checkout', 'paid')),
  shard smallint not null check (shard between 0 and 15),
  users bigint not null default 0 check (users >= 0),
  primary key (cohort_day, bot, step, shard)
);

comment on table public.daily_funnel is 'Users of a cohort who reached a step within 30 days; a figure is the sum over the shards';
comment on column public.daily_funnel.cohort_day is 'Day on which the users started';
comment on column public.daily_funnel.bot is 'Bot that the users started first; empty: unknown';
comment on column public.daily_funnel.step is 'See user_milestones';
comment on column public.daily_funnel.shard is 'Spreads concurrent writers of one figure over sixteen rows';
alter table public.daily_funnel enable row level security;
revoke all on table public.daily_funnel from public, anon, authenticated, service_role;
