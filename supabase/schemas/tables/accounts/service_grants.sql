-- What services of the owner granted users through grant_subscription, one row per reference.

create table public.service_grants (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  kind text not null check (kind in ('month', 'year', 'until', 'credits')),
  quantity integer not null check (quantity > 0),
  plan text references public.subscription_limits (plan) on update cascade check ((plan is null) = (kind = 'credits')),
  reference text not null unique check (reference like '_%:_%'),
  created_at timestamptz not null default private.clock()
);

create index service_grants_user_idx on public.service_grants (user_id, id);
create index service_grants_plan_idx on public.service_grants (plan);

comment on table public.service_grants is 'Plans and credits granted by services, one row per reference';
comment on column public.service_grants.quantity is 'Months, years or bonus credits; 1 for the kind until, a plan with a fixed end or none (private.adopt_user)';
comment on column public.service_grants.plan is 'Plan granted; null: credits';
comment on column public.service_grants.reference is 'Idempotency key: service and its own number, for example courses:4711';
alter table public.service_grants enable row level security;
revoke all on table public.service_grants from public, anon, authenticated, service_role;
revoke all on sequence public.service_grants_id_seq from public, anon, authenticated, service_role;
