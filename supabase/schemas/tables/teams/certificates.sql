-- Certificates of passed exams.

create table public.certificates (
  number text primary key default private.random_code(),
  training_id bigint not null unique references public.trainings (id) on delete cascade,
  user_id bigint not null references public.users (id) on delete cascade,
  name text not null,
  issued_at timestamptz not null default private.clock()
);

create index certificates_user_idx on public.certificates (user_id);

comment on table public.certificates is 'Certificates of passed exams';
comment on column public.certificates.number is 'Unguessable; with it everyone can check the certificate';
comment on column public.certificates.name is 'The user''s name when it was issued';
alter table public.certificates enable row level security;
revoke all on table public.certificates from public, anon, authenticated, service_role;
