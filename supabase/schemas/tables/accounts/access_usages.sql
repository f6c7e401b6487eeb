-- What was taken from people for what they used: one row for each reference, so that a repetition takes nothing.

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

comment on table public.access_usages is 'What was taken from people for what they used';
comment on column public.access_usages.reference is 'Service and its own number, "simulator:4711": the same one takes once';
comment on column public.access_usages.access_type is 'The first thing it was taken from; a subscription is not used up';
alter table public.access_usages enable row level security;
revoke all on table public.access_usages from public, anon, authenticated, service_role;
revoke all on sequence public.access_usages_id_seq from public, anon, authenticated, service_role;
