-- Cohorts: learners who begin a course on the same day. Lessons are released by days count from that day.

create table public.cohorts (
  id bigint generated always as identity primary key,
  course_id bigint not null references public.courses (id),
  key text not null check (key ~ '^[a-z0-9][a-z0-9-]{0,63}$'),
  starts_at timestamptz not null,
  enrolls_until timestamptz,
  created_at timestamptz not null default private.clock(),
  unique (course_id, key)
);

comment on table public.cohorts is 'Learners who begin a course on the same day';
comment on column public.cohorts.starts_at is 'When its learners get the first lessons';
comment on column public.cohorts.enrolls_until is 'Last moment at which a place is sold; null: always';
alter table public.cohorts enable row level security;
revoke all on table public.cohorts from public, anon, authenticated, service_role;
revoke all on sequence public.cohorts_id_seq from public, anon, authenticated, service_role;
