-- Trainings that were given away: by whom, how many, how many of them are used. What is left never runs out.

create table public.free_trainings (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  source text not null check (source <> ''),
  reference text not null check (reference <> ''),
  quantity integer not null check (quantity >= 0),
  used integer not null default 0 check (used between 0 and quantity),
  created_at timestamptz not null default private.clock(),
  -- What gives once gives a person once.
  unique (user_id, source, reference)
);

comment on table public.free_trainings is 'Trainings that were given away';
comment on column public.free_trainings.source is 'What gave them: channel, promo, admin';
comment on column public.free_trainings.reference is 'For what: the channel, the promo code, the admin''s action; once per person and source';
comment on column public.free_trainings.quantity is '0: given to them before they were erased and came back, so not again';
alter table public.free_trainings enable row level security;
revoke all on table public.free_trainings from public, anon, authenticated, service_role;
revoke all on sequence public.free_trainings_id_seq from public, anon, authenticated, service_role;
