-- When users reached each step from their start to the first payment. One row per user who started a bot.

create table public.user_milestones (
  user_id bigint primary key references public.users (id) on delete cascade,
  started_on date not null,
  bot text not null default '',
  answered_on date,
  limited_on date,
  checkout_on date,
  paid_on date
);

-- The nightly recount of a cohort.
create index user_milestones_started_idx on public.user_milestones (started_on);

comment on table public.user_milestones is 'When users reached each step from their start to the first payment';
comment on column public.user_milestones.started_on is 'Day of the first update; a day is one of the setting quota_timezone, here and in the other columns';
comment on column public.user_milestones.bot is 'Bot that the user started first; empty: unknown, of users who came before it was recorded';
comment on column public.user_milestones.answered_on is 'Day of the first served AI request';
comment on column public.user_milestones.limited_on is 'Day on which a question was refused first because no request was left';
comment on column public.user_milestones.checkout_on is 'Day of the first order';
comment on column public.user_milestones.paid_on is 'Day of the first payment that was not made from the balance';
alter table public.user_milestones enable row level security;
revoke all on table public.user_milestones from public, anon, authenticated, service_role;
