-- What subscribers pay a month now: the highest plan that a user bought and that runs, grace period included. Derived from
-- subscriptions by private.refresh_subscriber, which writes a row of subscription_events for each change.

create table public.subscribers (
  user_id bigint primary key references public.users (id) on delete cascade,
  plan text not null,
  currency text not null,
  monthly_amount numeric(12, 2) not null check (monthly_amount >= 0),
  changed_at timestamptz not null default private.clock()
);

create trigger subscribers_count_loss
after delete on public.subscribers
for each row when (old.monthly_amount > 0)
execute function private.count_lost_subscriber();

comment on table public.subscribers is 'What subscribers pay a month now';
comment on column public.subscribers.plan is 'Plan of now, or the last one';
comment on column public.subscribers.monthly_amount is 'Price of a month, a twelfth of a year; 0: no plan that was bought runs';
alter table public.subscribers enable row level security;
revoke all on table public.subscribers from public, anon, authenticated, service_role;
