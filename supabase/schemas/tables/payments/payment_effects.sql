-- What was given for a payment, and what of it was taken back. One row an effect: whatever is told again finds it.

create table public.payment_effects (
  payment_id bigint not null references public.payments (id) on delete cascade,
  effect text not null check (effect in ('subscription', 'credits', 'balance', 'course', 'commission')),
  user_id bigint references public.users (id) on delete set null,
  subscription_id bigint references public.subscriptions (id) on delete set null,
  given numeric not null check (given >= 0),
  aim numeric not null default 0 check (aim >= 0 and aim <= given),
  taken numeric not null default 0 check (taken >= 0 and taken <= aim),
  moves integer not null default 0,
  created_at timestamptz not null default private.clock(),
  primary key (payment_id, effect)
);

create index payment_effects_user_idx on public.payment_effects (user_id);
create index payment_effects_subscription_idx on public.payment_effects (subscription_id);

comment on table public.payment_effects is 'What was given for a payment, and what was taken back';
comment on column public.payment_effects.given is 'Seconds of a subscription, bonus credits, or balance';
comment on column public.payment_effects.aim is 'What should be taken back, for what was refunded and disputed';
comment on column public.payment_effects.taken is 'What was really taken back: what the person had left, at most';
comment on column public.payment_effects.moves is 'How often something was taken or returned: a part of the ledger''s reference';
alter table public.payment_effects enable row level security;
revoke all on table public.payment_effects from public, anon, authenticated, service_role;
