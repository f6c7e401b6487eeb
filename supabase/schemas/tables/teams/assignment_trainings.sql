-- Which trainings a member played for a task of an assignment.

create table public.assignment_trainings (
  training_id bigint primary key references public.trainings (id) on delete cascade,
  task_id bigint not null references public.assignment_tasks (id) on delete cascade
);

create index assignment_trainings_task_idx on public.assignment_trainings (task_id);

comment on table public.assignment_trainings is 'Which trainings were played for a task of an assignment';
alter table public.assignment_trainings enable row level security;
revoke all on table public.assignment_trainings from public, anon, authenticated, service_role;
