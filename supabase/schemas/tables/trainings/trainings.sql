-- Trainings of the sales trainer, one row per case that a user plays.
--
-- open ─▶ finished      its result is stored
--    └──▶ abandoned     the user started another one instead
--
-- Of mode `reversed`, the user plays the client and judges the questions of the AI. Of mode `review`, it is a real conversation
-- that was scored: finished from the start, and deleted after the setting retention_reviews_days.
--
-- A training keeps the rules of its scenario as they were at its start, so it also ends under them.

create table public.trainings (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null check (bot <> ''),
  scenario text not null check (scenario <> ''),
  version integer not null,
  case_id text not null check (case_id <> ''),
  mode text not null check (mode in ('practice', 'drill', 'exam', 'reversed', 'review')),
  drill_type text check ((drill_type is not null) = (mode = 'drill')),
  difficulty text not null check (difficulty in ('easy', 'medium', 'hard')),
  language text not null,
  rules jsonb not null check (jsonb_typeof(rules) = 'object'),
  reference text not null,
  status text not null default 'open' check (status in ('open', 'finished', 'abandoned')),
  access_type text,
  turns integer not null default 0 check (turns >= 0),
  question_count integer not null default 0 check (question_count >= 0),
  contextual_questions integer not null default 0 check (contextual_questions >= 0),
  per_type_counts jsonb not null default '{}' check (jsonb_typeof(per_type_counts) = 'object'),
  points integer not null default 0,
  clarity_level integer not null default 0 check (clarity_level between 0 and 100),
  silent_count integer not null default 0 check (silent_count >= 0),
  revealed jsonb not null default '[]' check (jsonb_typeof(revealed) = 'array'),
  facts_given jsonb not null default '[]' check (jsonb_typeof(facts_given) = 'array'),
  tips jsonb not null default '[]' check (jsonb_typeof(tips) = 'array'),
  turn_reference text,
  turn_lease_until timestamptz,
  assigned_round text,
  result jsonb,
  created_at timestamptz not null default private.clock(),
  first_question_at timestamptz,
  updated_at timestamptz not null default private.clock(),
  finished_at timestamptz,
  unique (user_id, reference),
  check ((status = 'finished') = (result is not null)),
  check ((status = 'open') = (finished_at is null))
);

create unique index trainings_open_idx on public.trainings (user_id, bot) where status = 'open';
create index trainings_review_idx on public.trainings (created_at) where mode = 'review';
create index trainings_user_idx on public.trainings (user_id, bot, id);

-- Figures of a day (private.ledger_learning).
create index trainings_created_idx on public.trainings (created_at);
create index trainings_finished_idx on public.trainings (finished_at) where status = 'finished';

comment on table public.trainings is 'Trainings of the sales trainer';
comment on column public.trainings.rules is 'Weights, caps, bonuses and limits of the scenario, and the weights of the case''s hidden items';
comment on column public.trainings.reference is 'Idempotency key of the start: the update that started it';
comment on column public.trainings.access_type is 'What paid for it at its first message (public.consume_access); null before that';
comment on column public.trainings.turns is 'Messages of the user, including those that were no questions';
comment on column public.trainings.silent_count is 'Messages in a row that were no questions';
comment on column public.trainings.revealed is 'Stages of hidden items that the client has disclosed: item:stage';
comment on column public.trainings.facts_given is 'Facts of the case that the client has answered with';
comment on column public.trainings.tips is 'Hashes of questions that were suggested to the user';
comment on column public.trainings.turn_reference is 'The update that is being answered; another one waits until turn_lease_until. Of a finished training: the update that finished it';
comment on column public.trainings.assigned_round is 'assignment:round that it was played for; stays when the user leaves the team';
alter table public.trainings enable row level security;
revoke all on table public.trainings from public, anon, authenticated, service_role;
revoke all on sequence public.trainings_id_seq from public, anon, authenticated, service_role;
