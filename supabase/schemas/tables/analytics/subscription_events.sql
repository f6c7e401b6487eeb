-- Changes of what subscribers pay a month. The sum of the amounts up to a day is the monthly recurring revenue (MRR) of that day.

create table public.subscription_events (
  id bigint generated always as identity primary key,
  day date not null,
  -- Null: erased. The figures of the past stay.
  user_id bigint references public.users (id) on delete set null,
  kind text not null check (kind in ('opening', 'new', 'expansion', 'contraction', 'churned', 'reactivated')),
  plan text not null,
  currency text not null,
  amount numeric(12, 2) not null,
  subscribers smallint not null check (subscribers between -1 and 1),
  created_at timestamptz not null default private.clock()
);

create index subscription_events_day_idx on public.subscription_events (day);
create index subscription_events_user_idx on public.subscription_events (user_id);

comment on table public.subscription_events is 'Changes of what subscribers pay a month';
comment on column public.subscription_events.day is 'Day in the time zone of the setting quota_timezone';
comment on column public.subscription_events.kind is 'opening: ran already when counting began; reactivated: had a paid plan before. Another currency is a contraction of the old one and an expansion of the new one';
comment on column public.subscription_events.amount is 'Change of the monthly amount in this currency';
comment on column public.subscription_events.subscribers is 'Change of the number of subscribers in this currency';
alter table public.subscription_events enable row level security;
revoke all on table public.subscription_events from public, anon, authenticated, service_role;
revoke all on sequence public.subscription_events_id_seq from public, anon, authenticated, service_role;
