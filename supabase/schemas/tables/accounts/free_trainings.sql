-- Grants of free trainings: source, quantity and how many are used. Unused trainings never expire.

create table public.free_trainings (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  source text not null check (source <> ''),
  reference text not null check (reference <> ''),
  quantity integer not null check (quantity >= 0),
  used integer not null default 0 check (used between 0 and quantity),
  created_at timestamptz not null default private.clock(),
  -- Idempotency: one grant per user, source and reference.
  unique (user_id, source, reference)
);

comment on table public.free_trainings is 'Grants of free trainings';
comment on column public.free_trainings.source is 'Kind of grant: channel, promo (a promo code), admin or service (grant_trainings)';
comment on column public.free_trainings.reference is 'The channel, promo code or admin action; unique per user and source';
comment on column public.free_trainings.quantity is 'Trainings granted; 0: received before an erasure, so not granted again';
alter table public.free_trainings enable row level security;
revoke all on table public.free_trainings from public, anon, authenticated, service_role;
revoke all on sequence public.free_trainings_id_seq from public, anon, authenticated, service_role;
