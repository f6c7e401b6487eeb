-- Certificates of completed courses.

create table public.course_certificates (
  code text primary key default private.random_code(),
  user_id bigint not null references public.users (id) on delete cascade,
  course_id bigint not null references public.courses (id),
  name text not null check (length(name) between 1 and 100),
  issued_at timestamptz not null default private.clock(),
  withdrawn_at timestamptz,
  unique (user_id, course_id)
);

create index course_certificates_course_idx on public.course_certificates (course_id);

comment on table public.course_certificates is 'Certificates of completed courses';
comment on column public.course_certificates.code is 'Unguessable; with it everyone can check the certificate';
comment on column public.course_certificates.name is 'As the learner typed it';
comment on column public.course_certificates.withdrawn_at is 'Since when it is invalid: the course was refunded or withdrawn; null: valid';
alter table public.course_certificates enable row level security;
revoke all on table public.course_certificates from public, anon, authenticated, service_role;
