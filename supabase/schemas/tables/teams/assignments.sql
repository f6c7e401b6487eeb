-- Trainings that a manager assigned to a team.

create table public.assignments (
  id bigint generated always as identity primary key,
  team_id bigint not null references public.teams (id) on delete cascade,
  created_by bigint references public.users (id) on delete set null,
  scenario text not null check (scenario <> ''),
  case_id text check (case_id <> ''),
  mode text not null check (mode in ('practice', 'exam')),
  difficulty text not null check (difficulty in ('easy', 'medium', 'hard')),
  first_due_on date not null,
  repetitions integer not null check (repetitions between 1 and 12),
  reference text not null unique,
  canceled_at timestamptz,
  created_at timestamptz not null default private.clock()
);

create index assignments_team_idx on public.assignments (team_id);
create index assignments_created_by_idx on public.assignments (created_by);

comment on table public.assignments is 'Trainings that a manager assigned to a team';
comment on column public.assignments.case_id is 'The case to play; null: any of the scenario';
comment on column public.assignments.first_due_on is 'Day in the team''s time zone with whose end the first round ends';
comment on column public.assignments.repetitions is 'Rounds, one a week';
comment on column public.assignments.reference is 'Idempotency key: the update that created it';
alter table public.assignments enable row level security;
revoke all on table public.assignments from public, anon, authenticated, service_role;
revoke all on sequence public.assignments_id_seq from public, anon, authenticated, service_role;
