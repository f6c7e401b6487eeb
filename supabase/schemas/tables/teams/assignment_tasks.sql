-- What an assignment asks of one member: one row for each round.

create table public.assignment_tasks (
  id bigint generated always as identity primary key,
  assignment_id bigint not null references public.assignments (id) on delete cascade,
  team_id bigint not null,
  user_id bigint not null references public.users (id) on delete cascade,
  number integer not null check (number > 0),
  opens_at timestamptz not null,
  due_on date not null,
  due_at timestamptz not null,
  announced_at timestamptz,
  reminded_at timestamptz,
  done_at timestamptz,
  best_score integer check (best_score >= 0),
  is_passed boolean,
  unique (assignment_id, user_id, number),
  check ((done_at is null) = (best_score is null)),
  foreign key (team_id, user_id) references public.team_members (team_id, user_id) on delete cascade
);

create index assignment_tasks_user_idx on public.assignment_tasks (user_id);
create index assignment_tasks_member_idx on public.assignment_tasks (team_id, user_id);
create index assignment_tasks_announce_idx on public.assignment_tasks (opens_at) where announced_at is null;
create index assignment_tasks_remind_idx on public.assignment_tasks (due_at) where reminded_at is null and done_at is null;

comment on table public.assignment_tasks is 'What an assignment asks of one member in one round';
comment on column public.assignment_tasks.opens_at is 'From when it can be started: the end of the round before';
comment on column public.assignment_tasks.due_at is 'End of due_on in the team''s time zone';
comment on column public.assignment_tasks.announced_at is 'When the member was notified that it is open';
comment on column public.assignment_tasks.reminded_at is 'When the member was reminded of the deadline';
comment on column public.assignment_tasks.done_at is 'When the first training for it was finished with a score';
comment on column public.assignment_tasks.is_passed is 'Of an exam: whether a training for it reached the pass mark';
alter table public.assignment_tasks enable row level security;
revoke all on table public.assignment_tasks from public, anon, authenticated, service_role;
revoke all on sequence public.assignment_tasks_id_seq from public, anon, authenticated, service_role;
