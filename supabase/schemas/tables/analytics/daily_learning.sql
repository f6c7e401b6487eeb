-- Trainings and courses that users began and completed on finished days, counted by the job `analytics`.

create table public.daily_learning (
  day date not null,
  kind text not null check (kind in ('training', 'course')),
  key text not null,
  started integer not null,
  completed integer not null,
  primary key (day, kind, key)
);

comment on table public.daily_learning is 'Trainings and courses begun and completed on finished days';
comment on column public.daily_learning.key is 'Scenario of the trainings, or slug of the course';
alter table public.daily_learning enable row level security;
revoke all on table public.daily_learning from public, anon, authenticated, service_role;
