-- Uses consumed through consume_access, one row per reference: a repeated call finds its row and consumes nothing.

create table public.access_usages (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  reference text not null unique check (reference like '_%:_%'),
  quantity integer not null check (quantity > 0),
  access_type text not null check (access_type in ('subscription', 'credits', 'trainings')),
  credits integer not null default 0 check (credits >= 0),
  trainings integer not null default 0 check (trainings >= 0),
  created_at timestamptz not null default private.clock(),
  check (credits + trainings = case access_type when 'subscription' then 0 else quantity end)
);

create index access_usages_user_idx on public.access_usages (user_id, id);

comment on table public.access_usages is 'Uses consumed through consume_access, one row per reference';
comment on column public.access_usages.reference is 'Idempotency key: service and its own number, for example simulator:4711';
comment on column public.access_usages.access_type is 'The first source that was charged; a subscription is not reduced by use';
alter table public.access_usages enable row level security;
revoke all on table public.access_usages from public, anon, authenticated, service_role;
revoke all on sequence public.access_usages_id_seq from public, anon, authenticated, service_role;
