-- Finished trainings that count (private.training_counts), of our trainers and of other services of the owner.

create table public.training_history (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null check (bot <> ''),
  reference text not null check (reference <> ''),
  scenario text not null check (scenario <> ''),
  mode text not null default 'practice' check (mode in ('practice', 'drill', 'exam')),
  score integer not null check (score >= 0),
  clarity_level integer not null check (clarity_level between 0 and 100),
  question_count integer not null check (question_count >= 0),
  contextual_questions integer not null check (contextual_questions >= 0),
  per_type_counts jsonb not null check (jsonb_typeof(per_type_counts) = 'object'),
  case_data jsonb not null check (jsonb_typeof(case_data) = 'object'),
  session_snapshot jsonb not null check (jsonb_typeof(session_snapshot) = 'object'),
  training_date timestamptz not null default private.clock(),
  -- Idempotency: one row per user, bot and reference.
  unique (user_id, bot, reference)
);

create index training_history_date_idx on public.training_history (user_id, bot, training_date);

comment on table public.training_history is 'Finished trainings that count';
comment on column public.training_history.reference is 'The training: spin:<id>, or what another service names it';
comment on column public.training_history.session_snapshot is 'The training as it ended, without the conversation';
alter table public.training_history enable row level security;
revoke all on table public.training_history from public, anon, authenticated, service_role;
revoke all on sequence public.training_history_id_seq from public, anon, authenticated, service_role;
