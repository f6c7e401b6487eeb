-- Several bots: integration functions, XP, trainings, teams, quiz.
-- Small numbers (options of a poll, levels of detail) stay small.
-- squawk-ignore-file prefer-bigint-over-smallint

-- Only finish_update calls it, and this migration replaces that.
-- squawk-ignore ban-drop-function
drop function private.change_session(p_update public.telegram_updates, p_changes jsonb, p_reservation text);

-- Its successor has one parameter more, with a default, in the same transaction.
-- squawk-ignore ban-drop-function
drop function public.count_active_sessions(p_minutes integer);

alter table public.bot_sessions add column is_blocked boolean default false not null;

-- Checks the form of a badge's condition: {"all": [["fact", "operator", number], …]} or the same with "any". The operators
-- are >=, >, =, <, <=; a fact is a name of lower case letters, digits and _.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_badge_condition(p_condition jsonb)
returns boolean
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_key text;
  v_test jsonb;
begin
  if jsonb_typeof(p_condition) <> 'object' or (select count(*) from jsonb_object_keys(p_condition)) <> 1 then
    return false;
  end if;
  select k.key into v_key from jsonb_object_keys(p_condition) as k (key);
  if v_key not in ('all', 'any') or jsonb_typeof(p_condition -> v_key) <> 'array'
    or jsonb_array_length(p_condition -> v_key) = 0
  then
    return false;
  end if;
  for v_test in select t.value from jsonb_array_elements(p_condition -> v_key) as t (value) loop
    if jsonb_typeof(v_test) <> 'array' then
      return false;
    elsif jsonb_array_length(v_test) <> 3
      or jsonb_typeof(v_test -> 0) <> 'string' or v_test ->> 0 !~ '^[a-z][a-z0-9_]*$'
      or jsonb_typeof(v_test -> 1) <> 'string' or v_test ->> 1 not in ('>=', '>', '=', '<', '<=')
      or jsonb_typeof(v_test -> 2) <> 'number'
    then
      return false;
    end if;
  end loop;
  return true;
end
$$;

revoke all on function private.is_badge_condition from public, anon, authenticated, service_role;
comment on function private.is_badge_condition is 'Checks the form of a badge''s condition';

-- Trigger of levels, before a change: waits for running awards and holds new ones until the change is committed, so that no
-- user gets a level of the old list (private.refresh_levels sets those of all others).
--
-- Concurrency: an award reads levels after it has locked its user, so a change may meet it in a deadlock. Postgres then
--   cancels one of both, which can be repeated.
-- Locks: table levels (ACCESS EXCLUSIVE).
-- Returns: trigger, null (ignored for a trigger of a statement).
-- Errors: none.
create or replace function private.lock_levels()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  lock table public.levels in access exclusive mode;
  return null;
end
$$;

revoke all on function private.lock_levels from public, anon, authenticated, service_role;
comment on function private.lock_levels is 'Holds awards while the list of levels changes';

-- Trigger of users: takes a user off the boards with a ban or when they become an admin, and puts them back after it.
--
-- Concurrency: see private.refresh_board_scores; the user's row is locked by its update.
-- Locks: the user's rows of board_scores.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.refresh_boards_of_user()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.refresh_board_scores(new.id);
  return null;
end
$$;

revoke all on function private.refresh_boards_of_user from public, anon, authenticated, service_role;
comment on function private.refresh_boards_of_user is 'Takes a user off the boards or puts them back';

-- Trigger of levels, after a change: sets users.level of all users whose level the new list changes.
--
-- Concurrency: private.lock_levels holds awards until the transaction ends.
-- Locks: the users whose level changes (NO KEY UPDATE), by id.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.refresh_levels()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  with changed as (
    select u.id
      from public.users as u
     where u.level <> private.xp_level(u.total_xp)
     order by u.id
       for no key update
  )
  update public.users as u set level = private.xp_level(u.total_xp) from changed as c where u.id = c.id;
  return null;
end
$$;

revoke all on function private.refresh_levels from public, anon, authenticated, service_role;
comment on function private.refresh_levels is 'Sets the level of all users after a change of the list';

-- Returns the level that a number of XP reaches: the highest of the table levels whose min_xp is not above it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: integer, 1 where no level is reached.
-- Errors: none.
create or replace function private.xp_level(p_xp bigint)
returns integer
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((select max(l.level) from public.levels as l where l.min_xp <= p_xp), 1);
end
$$;

revoke all on function private.xp_level from public, anon, authenticated, service_role;
comment on function private.xp_level is 'Returns the level that a number of XP reaches';

-- What services of the owner granted users through grant_subscription, one row per reference.

create table public.service_grants (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  kind text not null check (kind in ('month', 'year', 'until', 'credits')),
  quantity integer not null check (quantity > 0),
  plan text references public.subscription_limits (plan) on update cascade check ((plan is null) = (kind = 'credits')),
  reference text not null unique check (reference like '_%:_%'),
  created_at timestamptz not null default private.clock()
);

create index service_grants_user_idx on public.service_grants (user_id, id);
create index service_grants_plan_idx on public.service_grants (plan);

comment on table public.service_grants is 'Plans and credits granted by services, one row per reference';
comment on column public.service_grants.quantity is 'Months, years or bonus credits; 1 for the kind until, a plan with a fixed end or none (private.adopt_user)';
comment on column public.service_grants.plan is 'Plan granted; null: credits';
comment on column public.service_grants.reference is 'Idempotency key: service and its own number, for example courses:4711';
alter table public.service_grants enable row level security;
revoke all on table public.service_grants from public, anon, authenticated, service_role;
revoke all on sequence public.service_grants_id_seq from public, anon, authenticated, service_role;

-- Trainings of the sales trainer, one row per case that a user plays.
--
-- open ─▶ finished      its result is stored
--    └──▶ abandoned     the user started another one instead
--
-- A training keeps the rules of its scenario as they were at its start, so it also ends under them.

create table public.trainings (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null check (bot <> ''),
  scenario text not null check (scenario <> ''),
  version integer not null,
  case_id text not null check (case_id <> ''),
  mode text not null check (mode in ('practice', 'drill', 'exam')),
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
create index trainings_user_idx on public.trainings (user_id, bot, id);

comment on table public.trainings is 'Trainings of the sales trainer';
comment on column public.trainings.rules is 'Weights, caps, bonuses and limits of the scenario, and the weights of the case''s hidden items';
comment on column public.trainings.reference is 'Idempotency key of the start: the update that started it';
comment on column public.trainings.access_type is 'What paid for it at its first question (public.consume_access); null before that';
comment on column public.trainings.turns is 'Messages of the user, including those that were no questions';
comment on column public.trainings.silent_count is 'Messages in a row that were no questions';
comment on column public.trainings.revealed is 'Stages of hidden items that the client has disclosed: item:stage';
comment on column public.trainings.facts_given is 'Facts of the case that the client has answered with';
comment on column public.trainings.tips is 'Hashes of questions that were suggested to the user';
comment on column public.trainings.turn_reference is 'The update that is being answered; another one waits until turn_lease_until';
comment on column public.trainings.assigned_round is 'assignment:round that it was played for; stays when the user leaves the team';
alter table public.trainings enable row level security;
revoke all on table public.trainings from public, anon, authenticated, service_role;
revoke all on sequence public.trainings_id_seq from public, anon, authenticated, service_role;

-- What the user said in a training and what the client answered, one row per message.

create table public.training_turns (
  id bigint generated always as identity primary key,
  training_id bigint not null references public.trainings (id) on delete cascade,
  reference text not null,
  position integer not null check (position > 0),
  question text not null,
  reply text not null,
  kind text not null,
  type text not null,
  why text not null check (why in ('counted', 'none', 'repeated', 'capped', 'other_type')),
  is_contextual boolean not null,
  is_copied boolean not null,
  used_fragment text not null,
  touches jsonb not null check (jsonb_typeof(touches) = 'array'),
  revealed jsonb not null check (jsonb_typeof(revealed) = 'array'),
  source text not null check (source in ('ai', 'patterns')),
  points integer not null,
  clarity_level integer not null check (clarity_level between 0 and 100),
  disputed_at timestamptz,
  created_at timestamptz not null default private.clock(),
  -- Idempotency: one turn per update.
  unique (training_id, reference),
  unique (training_id, position)
);

create index training_turns_disputed_idx on public.training_turns (training_id) where disputed_at is not null;

comment on table public.training_turns is 'What the user said in a training and what the client answered';
comment on column public.training_turns.why is 'Why it has its points: counted, no move at all, repeated, above the cap of its type, or another type than the drill''s';
comment on column public.training_turns.is_copied is 'It repeats a question that was suggested, so it is not contextual';
comment on column public.training_turns.used_fragment is 'The client''s words that it takes up';
comment on column public.training_turns.source is 'What labeled it: the AI, or the patterns of the scenario';
comment on column public.training_turns.disputed_at is 'When the user disputed its points; the admins are notified';
alter table public.training_turns enable row level security;
revoke all on table public.training_turns from public, anon, authenticated, service_role;
revoke all on sequence public.training_turns_id_seq from public, anon, authenticated, service_role;

-- Teams of a trainer bot: managers assign trainings to the members and see their results.

create table public.teams (
  id bigint generated always as identity primary key,
  bot text not null check (bot <> ''),
  name text not null check (length(name) between 1 and 60),
  code text not null unique default private.random_code(),
  time_zone text not null,
  reference text not null unique,
  created_at timestamptz not null default private.clock()
);

comment on table public.teams is 'Teams of a trainer bot';
comment on column public.teams.code is 'What the invite link holds; renewing it makes earlier links invalid';
comment on column public.teams.time_zone is 'IANA time zone in which the day of a deadline ends';
comment on column public.teams.reference is 'Idempotency key: the update that created it';
alter table public.teams enable row level security;
revoke all on table public.teams from public, anon, authenticated, service_role;
revoke all on sequence public.teams_id_seq from public, anon, authenticated, service_role;

-- Who belongs to a team. What a manager sees of a member ends with the row.

create table public.team_members (
  team_id bigint not null references public.teams (id) on delete cascade,
  user_id bigint not null references public.users (id) on delete cascade,
  role text not null check (role in ('manager', 'member')),
  joined_at timestamptz not null default private.clock(),
  primary key (team_id, user_id)
);

create index team_members_user_idx on public.team_members (user_id);

comment on table public.team_members is 'Who belongs to a team';
alter table public.team_members enable row level security;
revoke all on table public.team_members from public, anon, authenticated, service_role;

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

-- Quizzes that users take in private: of a topic, of due questions, or of the day's challenge.

create table public.quiz_runs (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  kind text not null check (kind in ('topic', 'review', 'daily')),
  topic text not null default '' check (topic ~ '^[a-z0-9_]{0,30}$'),
  level smallint not null default 0 check (level between 0 and 5),
  day date,
  questions text[] not null check (cardinality(questions) between 1 and 20),
  status text not null default 'open' check (status in ('open', 'finished', 'abandoned')),
  reference text not null check (reference <> ''),
  answered smallint not null default 0 check (answered between 0 and cardinality(questions)),
  shown smallint not null default 1 check (shown between answered and answered + 1),
  shown_at timestamptz not null default private.clock(),
  right_answers smallint not null default 0 check (right_answers between 0 and answered),
  score integer check (score >= 0),
  result jsonb,
  created_at timestamptz not null default private.clock(),
  finished_at timestamptz,
  unique (user_id, reference),
  check ((kind = 'daily') = (day is not null)),
  check ((status = 'finished') = (result is not null))
);

create unique index quiz_runs_open_idx on public.quiz_runs (user_id, bot, (kind = 'daily')) where status = 'open';
create unique index quiz_runs_day_idx on public.quiz_runs (user_id, bot, day) where kind = 'daily';
create index quiz_runs_board_idx on public.quiz_runs (bot, day, score desc, finished_at) where score is not null;

comment on table public.quiz_runs is 'Quizzes that users take in private';
comment on column public.quiz_runs.topic is 'Topic of the questions; empty: of all topics';
comment on column public.quiz_runs.level is 'Level of the questions; 0: of all levels';
comment on column public.quiz_runs.day is 'Day of the challenge, in the zone of the setting quota_timezone';
comment on column public.quiz_runs.questions is 'Ids of the questions, in their order';
comment on column public.quiz_runs.reference is 'Idempotency key of the update that started it';
comment on column public.quiz_runs.answered is 'How many questions are answered';
comment on column public.quiz_runs.shown is 'How many questions were shown; the last one since shown_at';
comment on column public.quiz_runs.score is 'Points on the day''s board; null where it has none';
comment on column public.quiz_runs.result is 'What finishing it gave, see private.finish_quiz_run';
alter table public.quiz_runs enable row level security;
revoke all on table public.quiz_runs from public, anon, authenticated, service_role;
revoke all on sequence public.quiz_runs_id_seq from public, anon, authenticated, service_role;

-- Rounds of quiz polls in groups.

create table public.quiz_rounds (
  id bigint generated always as identity primary key,
  bot text not null,
  chat_id bigint not null,
  thread_id bigint not null default 0,
  user_id bigint references public.users (id) on delete set null,
  language text not null,
  questions text[] not null check (cardinality(questions) between 1 and 20),
  reference text not null unique check (reference <> ''),
  closes_at timestamptz not null,
  summarized_at timestamptz,
  created_at timestamptz not null default private.clock()
);

create unique index quiz_rounds_running_idx on public.quiz_rounds (bot, chat_id, thread_id) where summarized_at is null;
create index quiz_rounds_closing_idx on public.quiz_rounds (closes_at) where summarized_at is null;
create index quiz_rounds_user_idx on public.quiz_rounds (user_id);
create index quiz_rounds_chat_idx on public.quiz_rounds (chat_id);

comment on table public.quiz_rounds is 'Rounds of quiz polls in groups';
comment on column public.quiz_rounds.thread_id is 'Topic of the group; 0 in one without topics';
comment on column public.quiz_rounds.user_id is 'Who started it';
comment on column public.quiz_rounds.reference is 'Idempotency key of the update that started it';
comment on column public.quiz_rounds.closes_at is 'When Telegram closes its polls';
comment on column public.quiz_rounds.summarized_at is 'When the results were enqueued for the group';
alter table public.quiz_rounds enable row level security;
revoke all on table public.quiz_rounds from public, anon, authenticated, service_role;
revoke all on sequence public.quiz_rounds_id_seq from public, anon, authenticated, service_role;

-- Quiz polls that were sent to groups. An answer names the poll alone, without its chat.

create table public.quiz_polls (
  bot text not null,
  poll_id text not null,
  round_id bigint not null references public.quiz_rounds (id) on delete cascade,
  n smallint not null check (n between 1 and 20),
  question text not null,
  version text not null,
  correct_option_ids smallint[] not null check (cardinality(correct_option_ids) > 0),
  message_id bigint not null,
  sent_at timestamptz not null default private.clock(),
  primary key (bot, poll_id),
  unique (round_id, n)
);

comment on table public.quiz_polls is 'Quiz polls that were sent to groups';
comment on column public.quiz_polls.version is 'Version of the question that the poll shows';
comment on column public.quiz_polls.correct_option_ids is 'Right options, from 0, in the order of the bank, which the poll keeps';
alter table public.quiz_polls enable row level security;
revoke all on table public.quiz_polls from public, anon, authenticated, service_role;

-- Answers to the questions of quiz_runs: the first answer to each question counts.

create table public.quiz_answers (
  run_id bigint not null references public.quiz_runs (id) on delete cascade,
  n smallint not null check (n between 1 and 20),
  user_id bigint not null references public.users (id) on delete cascade,
  question text not null,
  version text not null,
  choice smallint[] not null,
  is_right boolean,
  seconds numeric(9, 1) not null check (seconds >= 0),
  reference text not null check (reference <> ''),
  answered_at timestamptz not null default private.clock(),
  primary key (run_id, n)
);

create index quiz_answers_user_idx on public.quiz_answers (user_id, answered_at desc);

comment on table public.quiz_answers is 'Answers to the questions of quizzes';
comment on column public.quiz_answers.n is 'Number of the question in its quiz, from 1';
comment on column public.quiz_answers.version is 'Version of the question that the user saw: it changes with every edit';
comment on column public.quiz_answers.choice is 'Chosen options, from 0, in the order of the bank';
comment on column public.quiz_answers.is_right is 'Null: the question was withdrawn meanwhile and counts nothing';
comment on column public.quiz_answers.seconds is 'Time since the question was shown';
comment on column public.quiz_answers.reference is 'Idempotency key of the update with the answer';
alter table public.quiz_answers enable row level security;
revoke all on table public.quiz_answers from public, anon, authenticated, service_role;

-- When a user should see a question again: its state in FSRS, which the functions compute (package fsrs).

create table public.quiz_cards (
  user_id bigint not null references public.users (id) on delete cascade,
  question text not null,
  state smallint not null check (state between 1 and 3),
  stability numeric not null check (stability > 0),
  difficulty numeric not null check (difficulty between 1 and 10),
  due timestamptz not null,
  last_review timestamptz not null,
  reviews integer not null default 1 check (reviews > 0),
  lapses integer not null default 0 check (lapses >= 0),
  primary key (user_id, question)
);

create index quiz_cards_due_idx on public.quiz_cards (user_id, due);

comment on table public.quiz_cards is 'When users should see questions again (FSRS)';
comment on column public.quiz_cards.lapses is 'How many answers were wrong';
alter table public.quiz_cards enable row level security;
revoke all on table public.quiz_cards from public, anon, authenticated, service_role;

-- The questions of each day's challenge: stored by the first user of the day, so that a deployment changes none for others.

create table public.quiz_challenges (
  bot text not null,
  day date not null,
  questions text[] not null check (cardinality(questions) between 1 and 20),
  primary key (bot, day)
);

comment on table public.quiz_challenges is 'The questions of each day''s challenge';
alter table public.quiz_challenges enable row level security;
revoke all on table public.quiz_challenges from public, anon, authenticated, service_role;

-- A user's answers by day, in the zone of the setting quota_timezone.

create table public.quiz_days (
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  day date not null,
  answers integer not null default 0 check (answers >= 0),
  right_answers integer not null default 0 check (right_answers between 0 and answers),
  primary key (user_id, bot, day)
);

comment on table public.quiz_days is 'Users'' answers by day';
alter table public.quiz_days enable row level security;
revoke all on table public.quiz_days from public, anon, authenticated, service_role;

-- Users' first answers to quiz polls.

create table public.quiz_poll_answers (
  bot text not null,
  poll_id text not null,
  user_id bigint not null references public.users (id) on delete cascade,
  choice smallint[] not null,
  is_right boolean not null,
  answered_at timestamptz not null default private.clock(),
  primary key (bot, poll_id, user_id),
  foreign key (bot, poll_id) references public.quiz_polls (bot, poll_id) on delete cascade
);

create index quiz_poll_answers_user_idx on public.quiz_poll_answers (user_id, answered_at desc);

comment on table public.quiz_poll_answers is 'Users'' first answers to quiz polls';
alter table public.quiz_poll_answers enable row level security;
revoke all on table public.quiz_poll_answers from public, anon, authenticated, service_role;

-- Users who asked to be reminded of the day's challenge, and when next.

create table public.quiz_reminders (
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  hour smallint not null check (hour between 0 and 23),
  time_zone text not null,
  next_at timestamptz not null,
  reminded_on date,
  primary key (user_id, bot)
);

create index quiz_reminders_due_idx on public.quiz_reminders (next_at);

comment on table public.quiz_reminders is 'Users who asked to be reminded of the day''s challenge';
comment on column public.quiz_reminders.hour is 'Hour of the user''s day';
comment on column public.quiz_reminders.time_zone is 'IANA zone that next_at was computed for';
comment on column public.quiz_reminders.reminded_on is 'Day of the challenge of the last reminder';
alter table public.quiz_reminders enable row level security;
revoke all on table public.quiz_reminders from public, anon, authenticated, service_role;

-- A user's answers by topic.

create table public.quiz_topics (
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  topic text not null check (topic ~ '^[a-z0-9_]{1,30}$'),
  answers integer not null default 0 check (answers >= 0),
  right_answers integer not null default 0 check (right_answers between 0 and answers),
  primary key (user_id, bot, topic)
);

comment on table public.quiz_topics is 'Users'' answers by topic';
alter table public.quiz_topics enable row level security;
revoke all on table public.quiz_topics from public, anon, authenticated, service_role;

-- What a user has done in a quiz bot, counted with every answer.

create table public.quiz_totals (
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  runs integer not null default 0 check (runs >= 0),
  challenges integer not null default 0 check (challenges >= 0),
  answers integer not null default 0 check (answers >= 0),
  right_answers integer not null default 0 check (right_answers between 0 and answers),
  primary key (user_id, bot)
);

comment on table public.quiz_totals is 'What users have done in quiz bots';
comment on column public.quiz_totals.runs is 'Finished quizzes that were not tapped through; challenges are among them';
alter table public.quiz_totals enable row level security;
revoke all on table public.quiz_totals from public, anon, authenticated, service_role;

-- Which trainings a member played for a task of an assignment.

create table public.assignment_trainings (
  training_id bigint primary key references public.trainings (id) on delete cascade,
  task_id bigint not null references public.assignment_tasks (id) on delete cascade
);

create index assignment_trainings_task_idx on public.assignment_trainings (task_id);

comment on table public.assignment_trainings is 'Which trainings were played for a task of an assignment';
alter table public.assignment_trainings enable row level security;
revoke all on table public.assignment_trainings from public, anon, authenticated, service_role;

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

-- Lines of finished trainings whose points the user disputed, and what an admin decided.
--
-- open ─▶ upheld       the points stay
--    └──▶ corrected    the line got another label, and the score was computed again

create table public.training_disputes (
  id bigint generated always as identity primary key,
  turn_id bigint not null unique references public.training_turns (id) on delete cascade,
  user_id bigint not null references public.users (id) on delete cascade,
  type text not null,
  reason text not null check (length(reason) <= 500),
  status text not null default 'open' check (status in ('open', 'upheld', 'corrected')),
  corrected_type text,
  score_before integer,
  score_after integer,
  created_at timestamptz not null default private.clock(),
  decided_at timestamptz,
  check ((status = 'open') = (decided_at is null)),
  check ((status = 'corrected') = (corrected_type is not null))
);

create index training_disputes_user_idx on public.training_disputes (user_id);

comment on table public.training_disputes is 'Lines of trainings whose points the user disputed';
comment on column public.training_disputes.type is 'The label that was disputed';
comment on column public.training_disputes.corrected_type is 'The label that an admin gave it instead';
alter table public.training_disputes enable row level security;
revoke all on table public.training_disputes from public, anon, authenticated, service_role;
revoke all on sequence public.training_disputes_id_seq from public, anon, authenticated, service_role;

-- Finished trainings with a score, of our trainers and of other services of the owner.

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

comment on table public.training_history is 'Finished trainings with a score';
comment on column public.training_history.reference is 'The training: spin:<id>, or what another service names it';
comment on column public.training_history.session_snapshot is 'The training as it ended, without the conversation';
alter table public.training_history enable row level security;
revoke all on table public.training_history from public, anon, authenticated, service_role;
revoke all on sequence public.training_history_id_seq from public, anon, authenticated, service_role;

-- Badges that users receive when their figures meet a condition (private.award_due_badges).

create table public.badges (
  badge text not null check (badge ~ '^[a-z][a-z0-9_]{0,63}$'),
  bot text not null,
  condition jsonb not null check (private.is_badge_condition(condition)),
  primary key (badge, bot)
);

comment on table public.badges is 'Badges that a condition awards';
comment on column public.badges.bot is 'The bot whose figures count; empty: those of any bot, and the badge belongs to none';
comment on column public.badges.condition is '{"all": [["best_score", ">=", 185]]}, or "any"; see private.is_badge_condition';
alter table public.badges enable row level security;
revoke all on table public.badges from public, anon, authenticated, service_role;

insert into public.badges (badge, bot, condition)
values
('level_5', '', '{"all": [["level", ">=", 5]]}'),
('level_10', '', '{"all": [["level", ">=", 10]]}'),
('level_20', '', '{"all": [["level", ">=", 20]]}'),
('streak_7', '', '{"all": [["streak", ">=", 7]]}'),
('streak_30', '', '{"all": [["streak", ">=", 30]]}'),
('streak_100', '', '{"all": [["streak", ">=", 100]]}'),
('first_training', '', '{"all": [["total_trainings", ">=", 1]]}'),
('spin_master', 'spin', '{"all": [["best_score", ">=", 185]]}'),
('ten_trainings', 'spin', '{"all": [["total_trainings", ">=", 10]]}'),
('full_clarity', 'spin', '{"all": [["clarity", ">=", 100]]}'),
('maestro_3', 'spin', '{"all": [["maestro_streak", ">=", 3]]}'),
('active_listener', 'spin', '{"all": [["contextual_questions", ">=", 6]]}'),
('deep_digger', 'spin', '{"all": [["chains", ">=", 3]]}'),
('diplomat', 'spin', '{"all": [["objections_best_score", ">=", 160]]}'),
('patient_ear', 'spin', '{"all": [["objections_contextual_questions", ">=", 6]]}'),
('first_quiz', 'quiz', '{"all": [["total_runs", ">=", 1]]}'),
('perfect_run', 'quiz', '{"all": [["right_percent", ">=", 100], ["questions", ">=", 10]]}'),
('hundred_right', 'quiz', '{"all": [["total_right", ">=", 100]]}')
on conflict (badge, bot) do nothing;

-- Changes of boards that board_histogram does not hold yet (private.fold_board_changes): one ranked user moved from old_xp to
-- new_xp, 0 being none. Awards only add rows, so awards of different users never wait for each other.

create table public.board_changes (
  id bigint generated always as identity primary key,
  board text not null,
  period text not null,
  starts_on date not null,
  old_xp bigint not null,
  new_xp bigint not null
);

create index board_changes_board_idx on public.board_changes (board, period, starts_on);

comment on table public.board_changes is 'Changes of boards that board_histogram does not hold yet';
alter table public.board_changes enable row level security;
revoke all on table public.board_changes from public, anon, authenticated, service_role;
revoke all on sequence public.board_changes_id_seq from public, anon, authenticated, service_role;

-- How many ranked users have how many XP, in four levels of detail: n users have xp >> (6 * lvl) = k. A rank sums at most
-- 63 rows of each of the three lower levels, and all above of the highest.

create table public.board_histogram (
  board text not null,
  period text not null,
  starts_on date not null,
  -- squawk-ignore prefer-bigint-over-smallint
  lvl smallint not null check (lvl between 0 and 3),
  k bigint not null,
  n bigint not null,
  primary key (board, period, starts_on, lvl, k)
);

-- The sweep deletes past days and weeks.
create index board_histogram_past_idx on public.board_histogram (starts_on) where period <> 'all';

comment on table public.board_histogram is 'How many ranked users have how many XP; with board_changes exact';
alter table public.board_histogram enable row level security;
revoke all on table public.board_histogram from public, anon, authenticated, service_role;

-- How users appear on boards. A user without a row is shown by a number (private.board_number).

create table public.board_profiles (
  user_id bigint primary key references public.users (id) on delete cascade,
  name text check (length(name) between 1 and 32),
  is_hidden boolean not null default false
);

comment on table public.board_profiles is 'How users appear on boards';
comment on column public.board_profiles.name is 'Name that the user chose to show; null: a number instead';
comment on column public.board_profiles.is_hidden is 'True: not in lists; the user still has a rank, and counts';
alter table public.board_profiles enable row level security;
revoke all on table public.board_profiles from public, anon, authenticated, service_role;

-- XP of users on each board: all bots or one, and all time, a day or a week.

create table public.board_scores (
  user_id bigint not null references public.users (id) on delete cascade,
  board text not null,
  period text not null check (period in ('all', 'day', 'week')),
  starts_on date not null,
  xp bigint not null check (xp >= 0),
  reached_at timestamptz not null,
  is_ranked boolean not null,
  is_listed boolean not null check (is_ranked or not is_listed),
  primary key (user_id, board, period, starts_on)
);

-- Lists in the order of places. Negative, so that all columns ascend and a row comparison finds neighbours.
create index board_scores_places_idx on public.board_scores (board, period, starts_on, (-xp), reached_at, user_id)
where is_listed and xp > 0;
-- The sweep deletes past days and weeks.
create index board_scores_past_idx on public.board_scores (starts_on) where period <> 'all';

comment on table public.board_scores is 'XP of users on each board';
comment on column public.board_scores.board is 'A bot; empty: all bots together';
comment on column public.board_scores.starts_on is 'The day, or the Monday of the week, in the time zone of the setting quota_timezone; all time: 1970-01-01';
comment on column public.board_scores.reached_at is 'Time of the last change: of equal XP the first to reach them comes first';
comment on column public.board_scores.is_ranked is 'Whether the user has a place: neither banned nor an admin';
comment on column public.board_scores.is_listed is 'Whether others see the user: ranked and not hidden';
alter table public.board_scores enable row level security;
revoke all on table public.board_scores from public, anon, authenticated, service_role;

-- Levels, common to all bots. A change applies at once to all users (private.refresh_levels).

create table public.levels (
  level integer primary key check (level >= 1),
  min_xp bigint not null unique check (min_xp >= 0),
  name_key text not null check (name_key ~ '^[a-z][a-z0-9_]*$')
);

comment on table public.levels is 'Levels and the XP that each needs';
comment on column public.levels.min_xp is 'Lowest users.total_xp of this level; level 1 begins at 0';
comment on column public.levels.name_key is 'Key of the level''s name in the texts, without the prefix level_name_';
alter table public.levels enable row level security;
revoke all on table public.levels from public, anon, authenticated, service_role;

-- Each step needs 100 XP more than the one before.
insert into public.levels (level, min_xp, name_key)
values
(1, 0, 'novice'),
(2, 100, 'novice'),
(3, 300, 'novice'),
(4, 600, 'novice'),
(5, 1000, 'apprentice'),
(6, 1500, 'apprentice'),
(7, 2100, 'apprentice'),
(8, 2800, 'apprentice'),
(9, 3600, 'specialist'),
(10, 4500, 'specialist'),
(11, 5500, 'specialist'),
(12, 6600, 'specialist'),
(13, 7800, 'expert'),
(14, 9100, 'expert'),
(15, 10500, 'expert'),
(16, 12000, 'expert'),
(17, 13600, 'master'),
(18, 15300, 'master'),
(19, 17100, 'master'),
(20, 19000, 'master')
on conflict (level) do nothing;

create trigger levels_lock
before insert or update or delete on public.levels
for each statement execute function private.lock_levels();

create trigger levels_refresh_users
after insert or update or delete on public.levels
for each statement execute function private.refresh_levels();

-- Days in a row on which users finished something in any bot, by the dates of their own time zone.

create table public.streaks (
  user_id bigint primary key references public.users (id) on delete cascade,
  time_zone text,
  next_time_zone text,
  zone_changes_at timestamptz,
  zone_changed_at timestamptz,
  current integer not null default 0 check (current >= 0),
  longest integer not null default 0 check (longest >= current),
  last_day date,
  last_bot text,
  freezes integer not null default 0 check (freezes between 0 and 2),
  grace_used boolean not null default false,
  excused_on date,
  paused_on date,
  check ((next_time_zone is null) = (zone_changes_at is null))
);

comment on table public.streaks is 'Days in a row on which users finished something';
comment on column public.streaks.time_zone is 'IANA name; null: the setting quota_timezone';
comment on column public.streaks.next_time_zone is 'Applies from zone_changes_at on, the next midnight of the old zone';
comment on column public.streaks.zone_changed_at is 'When the time zone changed last: at most once in 24 hours';
comment on column public.streaks.current is 'Days up to last_day; later days may have broken the streak since (private.streak_state)';
comment on column public.streaks.last_day is 'Last local date that counted';
comment on column public.streaks.last_bot is 'The bot of the last activity';
comment on column public.streaks.freezes is 'Missed days that the streak survives; one is earned every 7 days';
comment on column public.streaks.grace_used is 'Whether this streak has counted an activity before 03:00 for the day before';
comment on column public.streaks.excused_on is 'First day in a new time zone, which was shorter: missing it breaks nothing';
comment on column public.streaks.paused_on is 'Local date on which the user paused the streak; null: it runs';
alter table public.streaks enable row level security;
revoke all on table public.streaks from public, anon, authenticated, service_role;

-- IANA time zones that users have chosen. Reading pg_timezone_names takes 40 ms; a name that is here needs no such reading.

create table private.time_zones (
  name text primary key
);

comment on table private.time_zones is 'Time zones that users have chosen, known to be valid';
alter table private.time_zones enable row level security;
revoke all on table private.time_zones from public, anon, authenticated, service_role;

-- Badges that users have received, shown in all bots.

create table public.user_badges (
  user_id bigint not null references public.users (id) on delete cascade,
  badge text not null check (badge ~ '^[a-z][a-z0-9_]{0,63}$'),
  bot text not null,
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  earned_at timestamptz not null default private.clock(),
  revoked_at timestamptz,
  primary key (user_id, badge, bot)
);

comment on table public.user_badges is 'Badges that users have received';
comment on column public.user_badges.bot is 'The bot in which it was earned; empty: in none';
comment on column public.user_badges.metadata is 'What the bot keeps with it, for example the score';
comment on column public.user_badges.revoked_at is 'Since when it is taken back, by an admin or by an erasure: no condition awards it again; null: the user has it';
alter table public.user_badges enable row level security;
revoke all on table public.user_badges from public, anon, authenticated, service_role;

-- Append-only ledger of users.total_xp, which is the sum of the user's rows. A correction is a row of the rule correction.

create table public.xp_awards (
  id bigint generated always as identity,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  rule text not null,
  reference text not null check (reference <> ''),
  requested integer not null,
  points integer not null,
  created_at timestamptz not null default private.clock(),
  primary key (user_id, rule, reference)
);

create index xp_awards_day_idx on public.xp_awards (user_id, rule, created_at);

create trigger xp_awards_immutable
before update on public.xp_awards
for each row execute function private.refuse_change();

-- The foreign key deletes the rows of an erased user: a trigger of users, so at depth 1.
create trigger xp_awards_kept
before delete on public.xp_awards
for each row when (pg_trigger_depth() = 0)
execute function private.refuse_change();

comment on table public.xp_awards is 'Append-only ledger of XP';
comment on column public.xp_awards.id is 'Number in the order in which the user received the rows';
comment on column public.xp_awards.bot is 'The bot in which it was earned; empty: in none';
comment on column public.xp_awards.reference is 'Idempotency key within the user and the rule, for example spin:4711; once:<bot> for a rule that gives once';
comment on column public.xp_awards.requested is 'Points before the limits of the day; of a correction, before the limit at zero';
comment on column public.xp_awards.points is 'Change of users.total_xp';
alter table public.xp_awards enable row level security;
revoke all on table public.xp_awards from public, anon, authenticated, service_role;
revoke all on sequence public.xp_awards_id_seq from public, anon, authenticated, service_role;

-- What users receive XP for. A row of a bot applies instead of the row that all bots have in common (bot '').

create table public.xp_rules (
  bot text not null,
  rule text not null check (rule ~ '^[a-z][a-z0-9_]{0,63}$'),
  points integer check (points between 1 and 1000000),
  daily_cap integer check (daily_cap >= 0),
  daily_percent integer[] check (cardinality(daily_percent) > 0 and 0 <= all(daily_percent) and 100 >= all(daily_percent)),
  is_once boolean not null default false,
  has_periods boolean not null default true,
  primary key (bot, rule)
);

comment on table public.xp_rules is 'What users receive XP for';
comment on column public.xp_rules.bot is 'The bot in which the rule applies; empty: in all of them, and for other services';
comment on column public.xp_rules.points is 'XP of one award if the caller gives none; null: the caller gives them';
comment on column public.xp_rules.daily_cap is 'Most XP that a user receives by this rule in one bot on a day (setting quota_timezone); null: no limit';
comment on column public.xp_rules.daily_percent is 'Percent of the points that the first, second, … award of a day gives; the last one applies to all further ones';
comment on column public.xp_rules.is_once is 'Whether a user receives it once only, whatever the reference, also after an erasure';
comment on column public.xp_rules.has_periods is 'Whether it counts on the boards of the day and the week';
alter table public.xp_rules enable row level security;
revoke all on table public.xp_rules from public, anon, authenticated, service_role;

insert into public.xp_rules (bot, rule, points, daily_cap, daily_percent, is_once, has_periods)
values
('', 'correction', null, null, null, false, false),
('', 'import', null, null, null, false, false),
('', 'service', null, null, null, false, true),
('', 'referral_completed', 50, null, null, false, true),
('assistant', 'first_request', 20, null, null, true, true),
('spin', 'training_finished', null, null, '{100, 100, 100, 50, 25}', false, true),
('quiz', 'quiz_right', 5, 200, null, false, true),
('quiz', 'quiz_run', 20, 100, null, false, true),
('quiz', 'daily_challenge', 30, 30, null, false, true)
on conflict (bot, rule) do nothing;

-- Returns when the time of an exam ends.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: timestamptz, null for a training that is no exam.
-- Errors: none.
create or replace function private.exam_ends_at(p_training public.trainings)
returns timestamptz
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_training.created_at + make_interval(mins => (p_training.rules -> 'exam' ->> 'minutes')::integer);
$$;

revoke all on function private.exam_ends_at from public, anon, authenticated, service_role;
comment on function private.exam_ends_at is 'Returns when the time of an exam ends';

-- Returns whether an exam reached its pass mark.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean, null for a training that is no exam.
-- Errors: none.
create or replace function private.is_passed(p_training public.trainings)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_training.mode = 'exam' then p_training.status = 'finished'
      and (p_training.result ->> 'is_scored')::boolean
      and (p_training.result ->> 'score')::integer >= (p_training.rules -> 'exam' ->> 'score')::integer
  end;
$$;

revoke all on function private.is_passed from public, anon, authenticated, service_role;
comment on function private.is_passed is 'Returns whether an exam reached its pass mark';

-- Returns the result of a finished training, with a line for each message that counts.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   training_id: bigint
--   scenario: text
--   case_id: text
--   mode: 'practice' | 'drill' | 'exam'
--   drill_type: text | null
--   language: text
--   is_scored: boolean     (false: too few questions; nothing was given)
--   is_fast: boolean       (too fast for XP)
--   reason: text
--   score: int
--   questions: int         (points of the questions)
--   coverage: int
--   order: int
--   depth: int
--   chains: int
--   clarity_level: int
--   question_count: int
--   contextual_questions: int
--   per_type_counts: { [text]: int }
--   min_questions: int
--   before: { score: int, clarity_level: int } | null    (the training before in the same scenario and mode)
--   maestro_streak: int | null
--   xp: public.award_xp | null
--   streak: public.record_activity | null
--   badges: [ text ]       (received now)
--   exam: { score: int, is_passed: boolean } | null    (the pass mark)
--   lines: [ {
--     position: int, question: text, reply: text, type: text, why: 'counted' | 'repeated' | 'capped' | 'other_type',
--     points: int, is_contextual: boolean, is_copied: boolean, used_fragment: text, revealed: [ text ],
--     is_disputed: boolean, dispute: 'open' | 'upheld' | 'corrected' | null
--   } ]
-- Errors: none.
create or replace function private.training_result(p_training public.trainings)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_training.result || jsonb_build_object(
    'training_id', p_training.id,
    'scenario', p_training.scenario,
    'case_id', p_training.case_id,
    'mode', p_training.mode,
    'drill_type', p_training.drill_type,
    'language', p_training.language,
    'clarity_level', p_training.clarity_level,
    'question_count', p_training.question_count,
    'contextual_questions', p_training.contextual_questions,
    'per_type_counts', p_training.per_type_counts,
    'min_questions', (p_training.rules ->> 'min_questions')::integer,
    'exam', case
      when p_training.mode = 'exam' then jsonb_build_object(
        'score', p_training.rules -> 'exam' -> 'score', 'is_passed', private.is_passed(p_training)
      )
    end,
    'lines', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'position', r.position, 'question', r.question, 'reply', r.reply, 'type', r.type, 'why', r.why,
              'points', r.points, 'is_contextual', r.is_contextual, 'is_copied', r.is_copied,
              'used_fragment', r.used_fragment, 'revealed', r.revealed, 'is_disputed', r.disputed_at is not null,
              'dispute', (select d.status from public.training_disputes as d where d.turn_id = r.id)
            )
            order by r.position
          ),
          '[]'
        )
        from public.training_turns as r
       where r.training_id = p_training.id and r.why <> 'none'
    )
  );
$$;

revoke all on function private.training_result from public, anon, authenticated, service_role;
comment on function private.training_result is 'Returns the result of a finished training';

-- Returns a training as the bot works with it, with its conversation.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   scenario: text
--   version: int
--   case_id: text
--   mode: 'practice' | 'drill' | 'exam'
--   drill_type: text | null
--   difficulty: 'easy' | 'medium' | 'hard'
--   language: text
--   status: 'open' | 'finished' | 'abandoned'
--   ends_at: timestamptz | null    (of an exam)
--   is_paid: boolean       (its access was consumed)
--   turn_count: int        (messages of the user, no matter what they were)
--   question_count: int
--   contextual_questions: int
--   per_type_counts: { [text]: int }
--   points: int
--   clarity_level: int
--   silent_count: int
--   revealed: [ text ]     (item:stage)
--   facts_given: [ text ]
--   tips: [ text ]
--   turns: [ { question: text, reply: text, type: text, why: text } ]   (oldest first)
-- Errors: none.
create or replace function private.training_state(p_training public.trainings)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_training.id,
    'scenario', p_training.scenario,
    'version', p_training.version,
    'case_id', p_training.case_id,
    'mode', p_training.mode,
    'drill_type', p_training.drill_type,
    'difficulty', p_training.difficulty,
    'language', p_training.language,
    'status', p_training.status,
    'ends_at', private.exam_ends_at(p_training),
    'is_paid', p_training.access_type is not null,
    'turn_count', p_training.turns,
    'question_count', p_training.question_count,
    'contextual_questions', p_training.contextual_questions,
    'per_type_counts', p_training.per_type_counts,
    'points', p_training.points,
    'clarity_level', p_training.clarity_level,
    'silent_count', p_training.silent_count,
    'revealed', p_training.revealed,
    'facts_given', p_training.facts_given,
    'tips', p_training.tips,
    'turns', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object('question', t.question, 'reply', t.reply, 'type', t.type, 'why', t.why) order by t.position
          ),
          '[]'
        )
        from public.training_turns as t
       where t.training_id = p_training.id
    )
  );
$$;

revoke all on function private.training_state from public, anon, authenticated, service_role;
comment on function private.training_state is 'Returns a training with its conversation';

-- Returns an assignment as lists show it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   scenario: text
--   case_id: text | null   (null: any)
--   mode: 'practice' | 'exam'
--   difficulty: 'easy' | 'medium' | 'hard'
--   first_due_on: date
--   repetitions: int
--   is_canceled: boolean
-- Errors: none.
create or replace function private.assignment_card(p_assignment public.assignments)
returns jsonb
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_assignment.id,
    'scenario', p_assignment.scenario,
    'case_id', p_assignment.case_id,
    'mode', p_assignment.mode,
    'difficulty', p_assignment.difficulty,
    'first_due_on', p_assignment.first_due_on,
    'repetitions', p_assignment.repetitions,
    'is_canceled', p_assignment.canceled_at is not null
  );
$$;

revoke all on function private.assignment_card from public, anon, authenticated, service_role;
comment on function private.assignment_card is 'Returns an assignment as lists show it';

-- Returns a task of an assignment as its member sees it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   team_id: bigint
--   team: text
--   assignment: private.assignment_card
--   number: int            (of the round)
--   due_on: date
--   state: 'open' | 'overdue' | 'done' | 'late'    (late: done after the deadline)
--   best_score: int | null
--   is_passed: boolean | null
--   trainings: int         (that were begun for it)
-- Errors: none.
create or replace function private.task_card(p_task public.assignment_tasks)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'id', p_task.id,
      'team_id', t.id,
      'team', t.name,
      'assignment', private.assignment_card(a),
      'number', p_task.number,
      'due_on', p_task.due_on,
      'state', case
        when p_task.done_at < p_task.due_at then 'done'
        when p_task.done_at is not null then 'late'
        when p_task.due_at <= private.clock() then 'overdue'
        else 'open'
      end,
      'best_score', p_task.best_score,
      'is_passed', p_task.is_passed,
      'trainings', (
        select count(*)
          from public.assignment_trainings as r
          join public.trainings as n on n.id = r.training_id
         where r.task_id = p_task.id and n.access_type is not null
      )
    )
    from public.assignments as a
    join public.teams as t on t.id = a.team_id
   where a.id = p_task.assignment_id;
$$;

revoke all on function private.task_card from public, anon, authenticated, service_role;
comment on function private.task_card is 'Returns a task of an assignment as its member sees it';

-- Returns a team as one of its members sees it. Only a manager sees the code of the invite link.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   name: text
--   role: 'manager' | 'member'
--   code: text | null
--   time_zone: text
--   local_date: date       (in its time zone)
--   member_count: int
--   most_members: int
--   managers: [ text ]     (names)
-- Errors: none.
create or replace function private.team_card(p_team public.teams, p_role text)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_team.id,
    'name', p_team.name,
    'role', p_role,
    'code', case p_role when 'manager' then p_team.code end,
    'time_zone', p_team.time_zone,
    'local_date', (private.clock() at time zone p_team.time_zone)::date,
    'member_count', (select count(*) from public.team_members as m where m.team_id = p_team.id),
    'most_members', private.setting('team_max_members')::integer,
    'managers', (
      select coalesce(jsonb_agg(concat_ws(' ', u.first_name, u.last_name) order by m.joined_at, u.id), '[]')
        from public.team_members as m
        join public.users as u on u.id = m.user_id
       where m.team_id = p_team.id and m.role = 'manager'
    )
  );
$$;

revoke all on function private.team_card from public, anon, authenticated, service_role;
comment on function private.team_card is 'Returns a team as one of its members sees it';

-- Collects what is stored about a user's teams: memberships, what was assigned to them, and what they assigned.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.teams_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'memberships', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.team_id), '[]'::jsonb)
        from public.team_members as m
       where m.user_id = p_user_id
    ),
    'assigned_by_you', (
      select coalesce(jsonb_agg(to_jsonb(a) - array['created_by', 'reference'] order by a.id), '[]'::jsonb)
        from public.assignments as a
       where a.created_by = p_user_id
    ),
    'tasks', (
      select coalesce(jsonb_agg(to_jsonb(k) - 'user_id' order by k.id), '[]'::jsonb)
        from public.assignment_tasks as k
       where k.user_id = p_user_id
    ),
    'certificates', (
      select coalesce(jsonb_agg(to_jsonb(c) - 'user_id' order by c.training_id), '[]'::jsonb)
        from public.certificates as c
       where c.user_id = p_user_id
    ),
    'trainings', (
      select coalesce(jsonb_agg(to_jsonb(r) order by r.training_id), '[]'::jsonb)
        from public.assignment_tasks as k
        join public.assignment_trainings as r on r.task_id = k.id
       where k.user_id = p_user_id
    )
  );
$$;

revoke all on function private.teams_section from public, anon, authenticated, service_role;
comment on function private.teams_section is 'Collects what is stored about a user''s teams';

-- Collects what is stored about a user's XP, badges, streak and places on boards. Of the awards it holds the newest 10,000.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.xp_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'awards', (
      select coalesce(jsonb_agg(to_jsonb(a.award) - array['id', 'user_id'] order by a.id), '[]'::jsonb)
        from (
          select x as award, x.id from public.xp_awards as x where x.user_id = p_user_id order by x.id desc limit 10000
        ) as a
    ),
    'badges', (
      select coalesce(jsonb_agg(to_jsonb(b) - 'user_id' order by b.earned_at, b.badge, b.bot), '[]'::jsonb)
        from public.user_badges as b
       where b.user_id = p_user_id
    ),
    'scores', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.board, s.period, s.starts_on), '[]'::jsonb)
        from public.board_scores as s
       where s.user_id = p_user_id
    ),
    'streak', (select to_jsonb(s) - 'user_id' from public.streaks as s where s.user_id = p_user_id),
    'profile', (select to_jsonb(p) - 'user_id' from public.board_profiles as p where p.user_id = p_user_id)
  );
$$;

revoke all on function private.xp_section from public, anon, authenticated, service_role;
comment on function private.xp_section is 'Collects what is stored about a user''s XP, badges, streak and boards';

-- Finds the user of a Telegram account and locks the row; creates a user whom no bot has seen yet.
--
-- Concurrency: as private.create_unseen_user.
-- Locks: user (NO KEY UPDATE).
-- Returns: public.users, the row.
-- Errors: L0001 and 40001, as private.create_unseen_user.
create or replace function private.find_or_create_user(p_telegram_id bigint)
returns public.users
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
begin
  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id for no key update;
  if not found then
    v_user := private.create_unseen_user(p_telegram_id);
  end if;
  return v_user;
end
$$;

revoke all on function private.find_or_create_user from public, anon, authenticated, service_role;
comment on function private.find_or_create_user is 'Finds the user of a Telegram account, or creates it, and locks the row';

-- Gives a user XP in an admin's name, or takes some, down to zero: a correction in the ledger (private.award_xp). It counts on
-- the board of all bots and all time. The user gets one message.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first; without one every call acts.
-- Locks: user (NO KEY UPDATE), then as private.award_xp.
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: bigint         (total XP)
--   after: bigint
--   id: bigint             (the audit entry, for admin_undo)
--   outgoing: outgoing     (the message to the user, sent once)
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user or number;
--   N0004 the number or the reason is invalid.
create or replace function public.admin_adjust_xp(
  p_user_id bigint,
  p_points integer,
  p_admin_email text,
  p_reference text default null,
  p_reason text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_reason text := nullif(trim(p_reason), '');
  v_before bigint;
  v_after bigint;
  v_known public.audit_log;
  v_id bigint;
begin
  if coalesce(p_points, 0) = 0 or abs(p_points) > 1000000 then
    raise exception 'the points must not be zero and must be at most 1000000 in absolute value' using errcode = 'N0004';
  elsif length(v_reason) > 500 then
    raise exception 'the reason must have at most 500 characters' using errcode = 'N0004';
  end if;
  select u.total_xp into v_before from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'adjust_xp', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'points')::integer <> p_points then
      raise exception 'the reference was used with another number' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false, 'before', v_known.before -> 'total_xp', 'after', v_known.after -> 'total_xp',
      'id', v_known.id, 'outgoing', '[]'::jsonb
    );
  end if;

  v_after := (
    private.award_xp(p_user_id, '', 'correction', 'admins:' || coalesce(p_reference, gen_random_uuid()::text), p_points)
      ->> 'total_xp'
  )::bigint;
  v_id := private.write_audit(
    v_email, 'adjust_xp', p_user_id, p_reference,
    jsonb_build_object('total_xp', v_before),
    jsonb_strip_nulls(jsonb_build_object('total_xp', v_after, 'points', p_points, 'reason', v_reason))
  );
  return jsonb_build_object(
    'applied', true, 'before', v_before, 'after', v_after, 'id', v_id,
    'outgoing', private.notify_adjustment(p_user_id, 'xp', v_before, v_after)
  );
end
$$;

revoke all on function public.admin_adjust_xp from public, anon, authenticated, service_role;
grant execute on function public.admin_adjust_xp to bot_backend, service_role;
comment on function public.admin_adjust_xp is 'Gives a user XP in an admin''s name, or takes some';

-- Awards a badge to a user in an admin's name, also one that was revoked. The user gets no message of it.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first.
-- Locks: user (NO KEY UPDATE), the badge's row of user_badges.
-- Returns: jsonb
--   ...private.set_badge
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user or badge;
--   N0004 the badge or the reason is invalid.
create or replace function public.admin_award_badge(
  p_user_id bigint,
  p_badge text,
  p_bot text,
  p_admin_email text,
  p_reference text default null,
  p_reason text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.set_badge(private.require_admin(p_admin_email), p_user_id, p_badge, p_bot, true, p_reference, p_reason);
end
$$;

revoke all on function public.admin_award_badge from public, anon, authenticated, service_role;
grant execute on function public.admin_award_badge to bot_backend, service_role;
comment on function public.admin_award_badge is 'Awards a badge to a user in an admin''s name';

-- Returns an admin's figures of one bot, or of all together: users, active ones, active sessions, messages, XP, trainings,
-- and the funnel of 30 days. A day is one of the setting quota_timezone.
--
-- Concurrency: read-only. It reads the sessions of the bot once, so a million of them take a second or two.
-- Locks: none.
-- Returns: jsonb
--   bot: text | null
--   bots: [ text ]         (all that received updates lately)
--   users: int             (with a session in the bot)
--   new: { day: int, week: int, month: int }      (first session in the bot; today, 7 and 30 days)
--   active: { day: int, week: int, month: int }   (last used in the period)
--   active_sessions: int   (of the last hour)
--   messages: int          (and taps, of the last 24 hours)
--   requests: bigint       (AI requests served, of all time)
--   trainings: { day: int, week: int, month: int, total: int }   (with a score)
--   total_xp: bigint       (given to users who have a place on the boards: neither admins nor banned)
--   funnel: public.admin_funnel
-- Errors: N0001 not an admin.
create or replace function public.admin_bot_stats(p_admin_email text, p_bot text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_timezone text := private.setting('quota_timezone');
  v_today date := (v_now at time zone v_timezone)::date;
  v_day timestamptz := v_today::timestamp at time zone v_timezone;
  v_week timestamptz := (v_today - 6)::timestamp at time zone v_timezone;
  v_month timestamptz := (v_today - 29)::timestamp at time zone v_timezone;
  v_stats jsonb;
begin
  perform private.require_admin(p_admin_email);
  with users as (
    select s.user_id, min(s.created_at) as created_at, max(s.updated_at) as updated_at,
      sum(
        case when jsonb_typeof(s.stats_data -> 'requests') = 'number' then (s.stats_data ->> 'requests')::numeric else 0 end
      ) as requests
      from public.bot_sessions as s
     where p_bot is null or s.bot = p_bot
     group by s.user_id
  )
  select jsonb_build_object(
      'bot', p_bot,
      'users', count(*),
      'new', jsonb_build_object(
        'day', count(*) filter (where u.created_at >= v_day),
        'week', count(*) filter (where u.created_at >= v_week),
        'month', count(*) filter (where u.created_at >= v_month)
      ),
      'active', jsonb_build_object(
        'day', count(*) filter (where u.updated_at >= v_day),
        'week', count(*) filter (where u.updated_at >= v_week),
        'month', count(*) filter (where u.updated_at >= v_month)
      ),
      'active_sessions', public.count_active_sessions(60, p_bot),
      'requests', coalesce(sum(u.requests), 0)
    )
    into v_stats
    from users as u;
  return v_stats || jsonb_build_object(
    'bots', (
      -- Jumps from one bot to the next in the primary key.
      with recursive b (bot) as (
        (select min(t.bot) from public.telegram_updates as t)
        union all
        select (select min(t.bot) from public.telegram_updates as t where t.bot > b.bot) from b where b.bot is not null
      )
      select coalesce(jsonb_agg(b.bot order by b.bot) filter (where b.bot is not null), '[]') from b
    ),
    'messages', (
      select count(*)
        from public.telegram_updates as t
       where t.received_at > v_now - interval '1 day'
         and t.kind in ('message', 'callback_query')
         and t.user_id is not null
         and (p_bot is null or t.bot = p_bot)
    ),
    'trainings', (
      select jsonb_build_object(
          'day', count(*) filter (where h.training_date >= v_day),
          'week', count(*) filter (where h.training_date >= v_week),
          'month', count(*) filter (where h.training_date >= v_month),
          'total', count(*)
        )
        from public.training_history as h
       where p_bot is null or h.bot = p_bot
    ),
    'total_xp', (
      select coalesce(sum(x.k * x.n), 0)
        from (
          select h.k, h.n
            from public.board_histogram as h
           where h.board = coalesce(p_bot, '') and h.period = 'all' and h.lvl = 0
          union all
          select c.new_xp - c.old_xp, 1
            from public.board_changes as c
           where c.board = coalesce(p_bot, '') and c.period = 'all'
        ) as x
    ),
    'funnel', public.admin_funnel(p_admin_email, p_bot)
  );
end
$$;

revoke all on function public.admin_bot_stats from public, anon, authenticated, service_role;
grant execute on function public.admin_bot_stats to bot_backend, service_role;
comment on function public.admin_bot_stats is 'Returns an admin''s figures of one bot, or of all';

-- Returns how far users got who started a bot in a period: answered at least once, finished a training, paid. Each figure
-- counts users of those who started, until now. Without p_bot a user counts from the first session with any bot. The period
-- ends before p_until; without limits it is the last 30 days.
--
-- Concurrency: read-only. It reads the sessions that began in the period, over their index, and a few rows of each user.
-- Locks: none.
-- Returns: jsonb
--   since: timestamptz
--   until: timestamptz
--   started: int
--   answered: int          (an answer of the AI, or a classified question of a training)
--   finished: int          (a training with a score)
--   paid: int              (a payment for an order made in the bot, refunded or not; test payments are left out)
-- Errors: N0001 not an admin.
create or replace function public.admin_funnel(
  p_admin_email text, p_bot text default null, p_since timestamptz default null, p_until timestamptz default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_until timestamptz := coalesce(p_until, private.clock());
  v_since timestamptz := coalesce(p_since, v_until - interval '30 days');
  v_funnel jsonb;
begin
  perform private.require_admin(p_admin_email);
  with started as materialized (
    select distinct s.user_id
      from public.bot_sessions as s
     where s.created_at >= v_since
       and s.created_at < v_until
       and (p_bot is null or s.bot = p_bot)
       and not exists (
         select
           from public.bot_sessions as e
          where e.user_id = s.user_id and e.created_at < v_since and (p_bot is null or e.bot = p_bot)
       )
  ), steps as (
    select
      exists (
        select
          from public.bot_sessions as s
         where s.user_id = c.user_id
           and (p_bot is null or s.bot = p_bot)
           and s.stats_data -> 'requests' > '0'
      )
      or exists (
        select
          from public.trainings as t
         where t.user_id = c.user_id and (p_bot is null or t.bot = p_bot) and t.first_question_at is not null
      ) as answered,
      exists (
        select from public.training_history as h where h.user_id = c.user_id and (p_bot is null or h.bot = p_bot)
      ) as finished,
      exists (
        select
          from public.payments as p
          join public.orders as o on o.id = p.order_id
         where p.user_id = c.user_id
           and p.status in ('completed', 'refunded')
           and p.problem is distinct from 'test'
           and (p_bot is null or o.bot = p_bot)
      ) as paid
      from started as c
  )
  select jsonb_build_object(
      'since', v_since,
      'until', v_until,
      'started', count(*),
      'answered', count(*) filter (where s.answered),
      'finished', count(*) filter (where s.finished),
      'paid', count(*) filter (where s.paid)
    )
    into v_funnel
    from steps as s;
  return v_funnel;
end
$$;

revoke all on function public.admin_funnel from public, anon, authenticated, service_role;
grant execute on function public.admin_funnel to bot_backend, service_role;
comment on function public.admin_funnel is 'Returns how far new users of a bot got';

-- Takes a badge from a user in an admin's name; its condition does not award it again. The user gets no message of it.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first.
-- Locks: user (NO KEY UPDATE), the badge's row of user_badges.
-- Returns: jsonb
--   ...private.set_badge
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user or badge;
--   N0004 the badge or the reason is invalid.
create or replace function public.admin_revoke_badge(
  p_user_id bigint,
  p_badge text,
  p_bot text,
  p_admin_email text,
  p_reference text default null,
  p_reason text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.set_badge(private.require_admin(p_admin_email), p_user_id, p_badge, p_bot, false, p_reference, p_reason);
end
$$;

revoke all on function public.admin_revoke_badge from public, anon, authenticated, service_role;
grant execute on function public.admin_revoke_badge to bot_backend, service_role;
comment on function public.admin_revoke_badge is 'Takes a badge from a user in an admin''s name';

-- Undoes what an admin did to a user: bonus credits, trainings, balance, XP, a badge, a plan, or the reset of the limit. What the
-- user has spent since stays spent. Of a reset, this month and today are restored, earlier days of the month are not.
-- The user gets one message, but none about a badge.
--
-- Concurrency: the user's row is locked, and an entry is undone once (a unique index on the log); a repeated call
--   returns what was done.
-- Locks: user (NO KEY UPDATE), then the rows that the action changed.
-- Returns: jsonb
--   outcome: 'undone'      (now, or by a call with this reference)
--     | 'known'            (undone before)
--     | 'replaced'         (a later change took its place, or its time is over)
--     | 'impossible'       (no such entry, not of a kind that can be undone, or its user is erased)
--   telegram_id?: bigint
--   action?: text
--   before?: jsonb         (as the action has them)
--   after?: jsonb
--   is_partial?: boolean   (less was left than was given)
--   outgoing?: outgoing    (the message to the user, sent once)
-- Errors: N0001 not an admin; N0003 the reference was used with another action.
create or replace function public.admin_undo(p_audit_id bigint, p_admin_email text, p_reference text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_entry public.audit_log;
  v_known public.audit_log;
  v_result jsonb;
  v_before jsonb;
  v_after jsonb;
  v_is_done boolean := true;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select l.* into v_entry from public.audit_log as l where l.id = p_audit_id;
  if v_entry.user_id is null or not private.is_undoable(v_entry) then
    return jsonb_build_object('outcome', 'impossible');
  end if;
  perform from public.users as u where u.id = v_entry.user_id for no key update;
  if not found then
    return jsonb_build_object('outcome', 'impossible');
  end if;
  v_result := jsonb_build_object(
    'telegram_id', (select u.telegram_id from public.users as u where u.id = v_entry.user_id), 'action', v_entry.action
  );
  select l.* into v_known
    from public.audit_log as l
   where l.action = 'undo' and (l.after ->> 'undoes')::bigint = p_audit_id;
  if found then
    return v_result || jsonb_build_object(
      'outcome', case when v_known.reference = p_reference then 'undone' else 'known' end,
      'before', v_known.before, 'after', v_known.after - '{undoes,action}'::text[], 'is_partial', v_known.after ? 'is_partial', 'outgoing', v_outgoing
    );
  end if;

  if v_entry.action = 'set_plan' then
    v_before := private.plan_of(v_entry.user_id);
    v_is_done := private.undo_plan(v_entry);
    v_after := private.plan_of(v_entry.user_id);
    v_outgoing := case when v_is_done then private.notify_plan_change(v_entry.user_id, v_before, v_after) end;
  elsif v_entry.action = 'reset_user_usage' then
    v_is_done := private.undo_reset(v_entry);
    v_before := jsonb_build_object('requests', 0);
    v_after := jsonb_build_object('requests', v_entry.before -> 'requests');
    v_outgoing := case when v_is_done then private.notify_user(v_entry.user_id, 'gift_reset_undone', '{}') end;
  elsif v_entry.action in ('award_badge', 'revoke_badge') then
    v_is_done := private.undo_badge(v_entry);
    v_before := v_entry.after - 'reason';
    v_after := v_entry.before;
  else
    v_before := private.undo_amount(v_entry);
    v_after := jsonb_build_object('amount', v_before -> 'after') || case
      when (v_before ->> 'after')::numeric > (v_before ->> 'wanted')::numeric then '{"is_partial": true}'::jsonb
      else '{}'::jsonb
    end;
    v_outgoing := private.notify_adjustment(
      v_entry.user_id,
      case v_entry.action
        when 'add_bonus_credits' then 'credits' when 'give_trainings' then 'trainings' when 'adjust_xp' then 'xp' else 'balance'
      end,
      (v_before ->> 'before')::numeric,
      (v_before ->> 'after')::numeric
    );
    v_before := jsonb_build_object('amount', v_before -> 'before');
  end if;
  if not v_is_done then
    return v_result || jsonb_build_object('outcome', 'replaced');
  end if;
  perform private.write_audit(
    v_email, 'undo', v_entry.user_id, p_reference, v_before,
    v_after || jsonb_build_object('undoes', v_entry.id, 'action', v_entry.action)
  );
  return v_result || jsonb_build_object(
    'outcome', 'undone', 'before', v_before, 'after', v_after, 'is_partial', v_after ? 'is_partial', 'outgoing', v_outgoing
  );
end
$$;

revoke all on function public.admin_undo from public, anon, authenticated, service_role;
grant execute on function public.admin_undo to bot_backend, service_role;
comment on function public.admin_undo is 'Undoes what an admin did to a user';

-- Returns whether an audit entry is of a kind that can be undone, and changed something.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_undoable(p_entry public.audit_log)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case p_entry.action
    when 'add_bonus_credits' then p_entry.before -> 'bonus_credits' <> p_entry.after -> 'bonus_credits'
    when 'adjust_xp' then p_entry.before -> 'total_xp' <> p_entry.after -> 'total_xp'
    when 'award_badge' then p_entry.before -> 'has' <> p_entry.after -> 'has'
    when 'revoke_badge' then p_entry.before -> 'has' <> p_entry.after -> 'has'
    when 'give_trainings' then p_entry.before -> 'trainings' <> p_entry.after -> 'trainings'
    when 'adjust_balance' then p_entry.before -> 'balance' <> p_entry.after -> 'balance'
    when 'reset_user_usage' then p_entry.before -> 'requests' <> p_entry.after -> 'requests'
    when 'set_plan' then
      p_entry.after ->> 'subscription' is not null
      or jsonb_array_length(coalesce(p_entry.after -> 'replaced', '[]')) > 0
    else false
  end;
$$;

revoke all on function private.is_undoable from public, anon, authenticated, service_role;
comment on function private.is_undoable is 'Returns whether an admin''s action can be undone';

-- Finds a bot that may write to a user: p_bot where the user has a private chat with it, else the one of the latest
-- private chat; never a bot that the user blocks. A message in a group does not allow a bot to write to the user.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, the bot's name; null where no bot may write to the user.
-- Errors: none.
create or replace function private.reachable_bot(p_user_id bigint, p_telegram_id bigint, p_bot text)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select s.bot
    from public.bot_sessions as s
   where s.user_id = p_user_id and s.chat_id = p_telegram_id and not s.is_blocked
   order by s.bot = p_bot desc nulls last, s.updated_at desc
   limit 1;
$$;

revoke all on function private.reachable_bot from public, anon, authenticated, service_role;
comment on function private.reachable_bot is 'Finds a bot that may write to a user';

-- Gives a user a badge or takes it, in an admin's name, and writes it to the audit log as award_badge or revoke_badge.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first.
-- Locks: user (NO KEY UPDATE), the badge's row of user_badges.
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: boolean        (whether the user had it)
--   after: boolean
--   id: bigint             (the audit entry, for admin_undo)
-- Errors: N0002 no such user; N0003 the reference was used with another action, user or badge; N0004 the badge or the
--   reason is invalid.
create or replace function private.set_badge(
  p_email text, p_user_id bigint, p_badge text, p_bot text, p_has boolean, p_reference text, p_reason text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_action constant text := case when p_has then 'award_badge' else 'revoke_badge' end;
  v_reason constant text := nullif(trim(p_reason), '');
  v_known public.audit_log;
  v_before boolean;
  v_id bigint;
begin
  if p_bot is null or coalesce(p_badge, '') !~ '^[a-z][a-z0-9_]{0,63}$' then
    raise exception 'the badge or the bot is invalid' using errcode = 'N0004';
  elsif length(v_reason) > 500 then
    raise exception 'the reason must have at most 500 characters' using errcode = 'N0004';
  end if;
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, v_action, p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'badge', v_known.after ->> 'bot') <> (p_badge, p_bot) then
      raise exception 'the reference was used with another badge' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false, 'before', v_known.before -> 'has', 'after', v_known.after -> 'has', 'id', v_known.id
    );
  end if;
  v_before := private.switch_badge(p_user_id, p_badge, p_bot, p_has);
  v_id := private.write_audit(
    p_email, v_action, p_user_id, p_reference,
    jsonb_build_object('badge', p_badge, 'bot', p_bot, 'has', v_before),
    jsonb_strip_nulls(jsonb_build_object('badge', p_badge, 'bot', p_bot, 'has', p_has, 'reason', v_reason))
  );
  return jsonb_build_object('applied', true, 'before', v_before, 'after', p_has, 'id', v_id);
end
$$;

revoke all on function private.set_badge from public, anon, authenticated, service_role;
comment on function private.set_badge is 'Gives a user a badge or takes it, in an admin''s name';

-- Gives a user a badge or takes it. A badge that is taken keeps its row, so that no condition awards it again.
--
-- Concurrency: the caller holds the user's row.
-- Locks: the badge's row of user_badges.
-- Returns: boolean, whether the user had it.
-- Errors: none.
create or replace function private.switch_badge(p_user_id bigint, p_badge text, p_bot text, p_has boolean)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_had boolean;
begin
  select b.revoked_at is null into v_had
    from public.user_badges as b
   where b.user_id = p_user_id and b.badge = p_badge and b.bot = p_bot
     for update;
  if not found then
    v_had := false;
    insert into public.user_badges (user_id, badge, bot, revoked_at)
    values (p_user_id, p_badge, p_bot, case when not p_has then private.clock() end)
    on conflict (user_id, badge, bot) do update set revoked_at = excluded.revoked_at;
  elsif v_had <> p_has then
    update public.user_badges as b
       set revoked_at = case when not p_has then private.clock() end
     where b.user_id = p_user_id and b.badge = p_badge and b.bot = p_bot;
  end if;
  return v_had;
end
$$;

revoke all on function private.switch_badge from public, anon, authenticated, service_role;
comment on function private.switch_badge is 'Gives a user a badge or takes it';

-- Reverses a change of bonus credits, trainings or balance by an admin: takes back what was added, as much as is
-- left, or returns what was taken.
--
-- Concurrency: the caller holds the user's row.
-- Locks: the rows that the action changed.
-- Returns: jsonb, {before, after, wanted}: the amount before, now, and what a complete reversal would give.
-- Errors: none.
create or replace function private.undo_amount(p_entry public.audit_log)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_field constant text := case p_entry.action
    when 'add_bonus_credits' then 'bonus_credits' when 'give_trainings' then 'trainings' when 'adjust_xp' then 'total_xp' else 'balance'
  end;
  v_change constant numeric := (p_entry.before ->> v_field)::numeric - (p_entry.after ->> v_field)::numeric;
  v_user public.users;
  v_before numeric;
  v_after numeric;
begin
  select u.* into v_user from public.users as u where u.id = p_entry.user_id;
  v_before := case v_field
    when 'bonus_credits' then v_user.bonus_credits
    when 'balance' then v_user.balance
    when 'total_xp' then v_user.total_xp
    else (select coalesce(sum(f.quantity - f.used), 0) from public.free_trainings as f where f.user_id = v_user.id)
  end;
  v_after := greatest(v_before + v_change, 0);
  if v_after = v_before then
    null;
  elsif v_field = 'bonus_credits' then
    update public.users as u set bonus_credits = v_after where u.id = v_user.id;
  elsif v_field = 'balance' then
    perform public.adjust_balance(v_user.telegram_id, v_after - v_before, 'admin', 'admins:undo:' || p_entry.id);
  elsif v_field = 'total_xp' then
    perform private.award_xp(
      v_user.id, '', 'correction', 'admins:undo:' || p_entry.id, (v_after - v_before)::integer
    );
  elsif v_after > v_before then
    perform private.give_trainings(v_user.id, 'admin', 'undo:' || p_entry.id, (v_after - v_before)::integer);
  else
    perform private.use_trainings(v_user.id, (v_before - v_after)::integer);
  end if;
  return jsonb_build_object('before', v_before, 'after', v_after, 'wanted', v_before + v_change);
end
$$;

revoke all on function private.undo_amount from public, anon, authenticated, service_role;
comment on function private.undo_amount is 'Reverses a change of an amount by an admin';

-- Reverses that an admin gave a badge or took it.
--
-- Concurrency: the caller holds the user's row.
-- Locks: the badge's row of user_badges.
-- Returns: boolean, false and nothing changed if the badge has changed again since.
-- Errors: none.
create or replace function private.undo_badge(p_entry public.audit_log)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_badge constant text := p_entry.after ->> 'badge';
  v_bot constant text := p_entry.after ->> 'bot';
  v_has constant boolean := exists (
    select
      from public.user_badges as b
     where b.user_id = p_entry.user_id and b.badge = v_badge and b.bot = v_bot and b.revoked_at is null
  );
begin
  if v_has <> (p_entry.after ->> 'has')::boolean then
    return false;
  end if;
  perform private.switch_badge(p_entry.user_id, v_badge, v_bot, not v_has);
  return true;
end
$$;

revoke all on function private.undo_badge from public, anon, authenticated, service_role;
comment on function private.undo_badge is 'Reverses that an admin gave a badge or took it';

-- Changes a user's balance and writes the ledger entry, once per reference. Called by our own code and, with the secret key,
-- by other services of the same owner. A user whom no bot has seen yet is created; their first message to a bot still counts as
-- their first (users.has_started).
--
-- Concurrency: calls for one user are serialized by the user's row lock, so a repeated reference finds the first call's ledger
--   entry and changes nothing. Two calls that use one reference for different users collide in its unique index; the second
--   fails with L0003. Two calls that create the same user collide in the unique telegram_id and continue with one row.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   balance: numeric       (after the call)
--   applied: boolean       (false: an earlier call applied the reference)
--   transaction_id: bigint (balance_transactions.id)
-- Errors: L0001 no Telegram user can have this id; L0002 the balance would become negative; L0003 the reference was used with
--   another amount or user; L0004 the amount, reason or reference is invalid; 40001 the user was erased at this moment (retry).
create or replace function public.adjust_balance(
  p_telegram_id bigint, p_amount numeric, p_reason text, p_reference text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_known public.balance_transactions;
  v_id bigint;
begin
  if p_amount is null or p_amount = 0 or p_amount <> round(p_amount, 2) or abs(p_amount) >= 10000000000 then
    raise exception 'the amount must not be zero and must have at most two decimals' using errcode = 'L0004';
  elsif coalesce(p_reason, '') = '' or coalesce(p_reference, '') not like '_%:_%' or length(p_reference) > 200 then
    raise exception 'a reason and a reference of the form service:number are required' using errcode = 'L0004';
  end if;

  v_user := private.find_or_create_user(p_telegram_id);
  select t.* into v_known from public.balance_transactions as t where t.reference = p_reference;
  if found then
    if v_known.user_id is distinct from v_user.id or v_known.amount <> p_amount then
      raise exception 'the reference was used with another amount or user' using errcode = 'L0003';
    end if;
    return jsonb_build_object(
      'balance', v_user.balance::text, 'applied', false, 'transaction_id', v_known.id
    );
  elsif v_user.balance + p_amount < 0 then
    raise exception 'the balance would become negative' using errcode = 'L0002';
  end if;

  begin
    insert into public.balance_transactions (user_id, amount, balance_after, reason, reference)
    values (v_user.id, p_amount, v_user.balance + p_amount, p_reason, p_reference)
    returning id into v_id;
  exception when unique_violation then
    -- A concurrent call used the reference for another user.
    raise exception 'the reference was used with another amount or user' using errcode = 'L0003';
  end;
  update public.users as u set balance = u.balance + p_amount where u.id = v_user.id
  returning u.* into v_user;
  return jsonb_build_object('balance', v_user.balance::text, 'applied', true, 'transaction_id', v_id);
end
$$;

revoke all on function public.adjust_balance from public, anon, authenticated, service_role;
grant execute on function public.adjust_balance to bot_backend, service_role;
comment on function public.adjust_balance is 'Changes a user''s balance, once per reference';

-- Takes over a user of another bot's own table of users (./switchboard adopt). p_hash is the key of the user's tombstone, or
-- empty. p_data, each part optional: {username, first_name, last_name, language, language_code: text, created_at,
-- last_activity: timestamptz, is_banned: boolean, xp: int, balance: numeric, vip_level: int, ends_at: timestamptz (null:
-- the plan does not end), stats: {…}}.
-- Names and languages fill in what is missing of a user whom no bot has seen. Statistics that the bot has already stay. The plan
-- is the highest one up to vip_level. The user is no new user to a referrer.
--
-- Concurrency: the user's row is locked. XP, balance and plan have references with the bot and the Telegram id
--   (import:… and adopt:…), so a repetition gives nothing twice; another amount than then is refused.
-- Locks: user (NO KEY UPDATE), session.
-- Returns: jsonb
--   outcome: 'created' | 'changed' | 'unchanged' | 'erased'
--   xp: int                 (given now)
--   balance: numeric        (given now)
--   plan: text | null       (granted now)
-- Errors: L0001 no Telegram user can have this id; L0003 another balance was taken over before; L0004 the balance is invalid;
--   S0001 the bot's name is invalid; Z0002 the XP is invalid; Z0003 other XP was imported before; 40001 the user was erased at
--   this moment (retry).
create or replace function private.adopt_user(p_bot text, p_telegram_id bigint, p_hash text, p_data jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_key constant text := format('adopt:%s:%s', p_bot, p_telegram_id);
  v_created_at constant timestamptz := (p_data ->> 'created_at')::timestamptz;
  v_user public.users;
  v_before public.users;
  v_is_new boolean;
  v_result jsonb;
  v_plan text;
  v_xp integer := 0;
  v_balance numeric := 0;
  v_granted text;
  v_has_stats boolean := false;
begin
  perform private.check_bot_name(p_bot);
  if exists (select from public.erased_users as e where e.user_hash = decode(p_hash, 'hex')) then
    return jsonb_build_object('outcome', 'erased', 'xp', 0, 'balance', '0', 'plan', null);
  end if;
  if p_telegram_id <= 0 or p_telegram_id >= (1::bigint << 52) then
    raise exception 'no Telegram user can have this id' using errcode = 'L0001';
  end if;
  insert into public.users as u (
    telegram_id, username, first_name, last_name, language, language_code, is_newcomer, banned_at, has_started, active_on,
    created_at, last_activity
  )
  values (
    p_telegram_id, p_data ->> 'username', coalesce(p_data ->> 'first_name', ''), p_data ->> 'last_name', p_data ->> 'language',
    coalesce(p_data ->> 'language_code', private.default_language()), false,
    case when (p_data ->> 'is_banned')::boolean then v_now end, false, date 'epoch', coalesce(v_created_at, v_now),
    coalesce((p_data ->> 'last_activity')::timestamptz, v_created_at, v_now)
  )
  on conflict (telegram_id) do nothing
  returning u.* into v_user;
  v_is_new := found;
  if not v_is_new then
    v_before := private.find_or_create_user(p_telegram_id);
    v_user := v_before;
    if not v_user.has_started then
      v_user.username := coalesce(v_user.username, p_data ->> 'username');
      v_user.first_name := coalesce(nullif(v_user.first_name, ''), p_data ->> 'first_name', '');
      v_user.last_name := coalesce(v_user.last_name, p_data ->> 'last_name');
      v_user.language := coalesce(v_user.language, p_data ->> 'language');
    end if;
    v_user.created_at := least(v_user.created_at, v_created_at);
    if v_user is distinct from v_before then
      update public.users as u
         set username = v_user.username, first_name = v_user.first_name, last_name = v_user.last_name,
             language = v_user.language, created_at = v_user.created_at
       where u.id = v_user.id;
    end if;
  end if;

  if coalesce((p_data ->> 'xp')::integer, 0) <> 0 then
    v_result := private.award_xp(
      v_user.id, p_bot, 'import', format('import:%s:%s', p_bot, p_telegram_id), (p_data ->> 'xp')::integer
    );
    v_xp := case when (v_result ->> 'awarded')::boolean then (v_result ->> 'points')::integer else 0 end;
  end if;
  if coalesce((p_data ->> 'balance')::numeric, 0) <> 0 then
    v_result := public.adjust_balance(
      p_telegram_id, (p_data ->> 'balance')::numeric, format('taken over from %s', p_bot), v_key
    );
    v_balance := case when (v_result ->> 'applied')::boolean then (p_data ->> 'balance')::numeric else 0 end;
  end if;
  if coalesce((p_data ->> 'ends_at')::timestamptz, 'infinity') > v_now then
    select l.plan into v_plan
      from public.subscription_limits as l
     where l.vip_level between 1 and (p_data ->> 'vip_level')::integer
     order by l.vip_level desc
     limit 1;
  end if;
  if v_plan is not null then
    insert into public.service_grants as g (user_id, kind, quantity, plan, reference)
    values (v_user.id, 'until', 1, v_plan, v_key)
    on conflict (reference) do nothing
    returning g.plan into v_granted;
  end if;
  if v_granted is not null then
    insert into public.subscriptions (user_id, plan, source, starts_at, ends_at)
    values (v_user.id, v_plan, 'adopted', v_now, (p_data ->> 'ends_at')::timestamptz);
    perform private.refresh_access(v_user.id);
  end if;
  if p_data ? 'stats' then
    -- A copy stays under "adopted" when the bot computes its statistics anew (public.update_user_stats_after_training).
    insert into public.bot_sessions as s (user_id, bot, chat_id, stats_data, created_at, updated_at)
    values (
      v_user.id, p_bot, p_telegram_id, (p_data -> 'stats') || jsonb_build_object('adopted', p_data -> 'stats'),
      v_user.created_at, greatest(v_user.created_at, v_user.last_activity)
    )
    on conflict (user_id, bot, chat_id, thread_id) do update
      set stats_data = excluded.stats_data || s.stats_data
      where not s.stats_data ?& array(select k.key from jsonb_object_keys(excluded.stats_data) as k (key));
    v_has_stats := found;
  end if;
  return jsonb_build_object(
    'outcome', case
      when v_is_new then 'created'
      when v_xp <> 0 or v_balance <> 0 or v_granted is not null or v_has_stats or v_user is distinct from v_before
        then 'changed'
      else 'unchanged'
    end,
    'xp', v_xp, 'balance', v_balance::text, 'plan', v_granted
  );
end
$$;

revoke all on function private.adopt_user from public, anon, authenticated, service_role;
comment on function private.adopt_user is 'Takes over a user of another bot''s table of users';

-- Takes over a batch of users of another bot's table (private.adopt_user for each). A refused user changes nothing and does not
-- stop the others. p_users: [{telegram_id: bigint, hash: text, data: {…}}].
--
-- Concurrency: users are locked in the order of their Telegram ids, so two batches at once do not deadlock.
-- Locks: as private.adopt_user, for each user.
-- Returns: jsonb, a list in the order of p_users of what private.adopt_user returned, or {outcome: 'refused', code: text}
--   with the SQLSTATE.
-- Errors: S0001 the bot's name is invalid; 40001 a user was erased at this moment (retry).
create or replace function private.adopt_users(p_bot text, p_users jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user record;
  v_result jsonb;
  v_results jsonb[] := array_fill(null::jsonb, array[jsonb_array_length(p_users)]);
begin
  perform private.check_bot_name(p_bot);
  for v_user in
    select e.position, (e.value ->> 'telegram_id')::bigint as telegram_id, e.value ->> 'hash' as hash, e.value -> 'data' as data
      from jsonb_array_elements(p_users) with ordinality as e (value, position)
     order by (e.value ->> 'telegram_id')::bigint
  loop
    begin
      v_result := private.adopt_user(p_bot, v_user.telegram_id, v_user.hash, v_user.data);
    exception when sqlstate 'L0001' or sqlstate 'L0003' or sqlstate 'L0004' or sqlstate 'Z0002' or sqlstate 'Z0003' then
      v_result := jsonb_build_object('outcome', 'refused', 'code', sqlstate);
    end;
    v_results[v_user.position] := v_result;
  end loop;
  return to_jsonb(v_results);
end
$$;

revoke all on function private.adopt_users from public, anon, authenticated, service_role;
comment on function private.adopt_users is 'Takes over a batch of users of another bot''s table';

-- Refuses a bot's name that no bot or service can have: 1 to 32 lower-case letters, digits and underscores, beginning
-- with a letter.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: void
-- Errors: S0001 the bot's name is invalid.
create or replace function private.check_bot_name(p_bot text)
returns void
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(p_bot, '') !~ '^[a-z][a-z0-9_]{0,31}$' then
    raise exception 'a bot name has 1 to 32 lower-case letters, digits and underscores' using errcode = 'S0001';
  end if;
end
$$;

revoke all on function private.check_bot_name from public, anon, authenticated, service_role;
comment on function private.check_bot_name is 'Refuses a name that no bot can have';

-- Counts the users of all bots and services.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   users: bigint
--   started: bigint        (have written to a bot)
--   paid: bigint           (have a paid plan, or are admins)
--   banned: bigint
-- Errors: none.
create or replace function public.count_users()
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'users', count(*),
      'started', count(*) filter (where u.has_started),
      'paid', count(*) filter (where u.is_paid),
      'banned', count(*) filter (where u.banned_at is not null)
    )
    from public.users as u;
$$;

revoke all on function public.count_users from public, anon, authenticated, service_role;
grant execute on function public.count_users to bot_backend, service_role;
comment on function public.count_users is 'Counts the users of all bots and services';

-- Finds a user by Telegram id, or creates one whom no bot has seen yet, and stores the names that are given. A null
-- keeps what is stored. A bot's next update stores Telegram's names again.
--
-- Concurrency: two calls that create the same user meet in the unique telegram_id and get the one row; one of them
--   reports created. Repeated, it changes nothing.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   user: private.user_card
--   created: boolean
-- Errors: L0001 no Telegram user can have this id; S0001 a name or the language is invalid; 40001 the user was erased
--   at this moment (retry).
create or replace function public.get_or_create_user(
  p_telegram_id bigint,
  p_username text default null,
  p_first_name text default null,
  p_last_name text default null,
  p_language_code text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_latest bigint;
begin
  if p_username !~ '^[A-Za-z0-9_]{1,64}$' then
    raise exception 'the user name must have 1 to 64 letters, digits and underscores, without @' using errcode = 'S0001';
  elsif greatest(length(p_first_name), length(p_last_name)) > 64 then
    raise exception 'a name must have at most 64 characters' using errcode = 'S0001';
  elsif not private.is_language_tag(p_language_code) then
    raise exception 'the language must be a tag such as en or pt-BR' using errcode = 'S0001';
  end if;
  select max(u.id) into v_latest from public.users as u where u.telegram_id = p_telegram_id;
  v_user := private.find_or_create_user(p_telegram_id);
  if (coalesce(p_username, v_user.username), coalesce(p_first_name, v_user.first_name),
      coalesce(p_last_name, v_user.last_name), coalesce(p_language_code, v_user.language_code))
    is distinct from (v_user.username, v_user.first_name, v_user.last_name, v_user.language_code)
  then
    update public.users as u
       set username = coalesce(p_username, u.username),
           first_name = coalesce(p_first_name, u.first_name),
           last_name = coalesce(p_last_name, u.last_name),
           language_code = coalesce(p_language_code, u.language_code)
     where u.id = v_user.id
    returning u.* into v_user;
  end if;
  return jsonb_build_object('user', private.user_card(v_user), 'created', v_latest is null);
end
$$;

revoke all on function public.get_or_create_user from public, anon, authenticated, service_role;
grant execute on function public.get_or_create_user to bot_backend, service_role;
comment on function public.get_or_create_user is 'Finds a user by Telegram id, or creates one';

-- Returns a user with the session and the statistics of one bot, in the private chat unless another chat is named.
-- Sessions of other bots are never part of it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   user: private.user_card | null    (null: no such user)
--   session: jsonb                    ({} while there is none)
--   stats: jsonb
-- Errors: S0001 the bot's name is invalid.
create or replace function public.get_user_session(
  p_telegram_id bigint, p_bot text, p_chat_id bigint default null, p_thread_id bigint default 0
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_session public.bot_sessions;
begin
  perform private.check_bot_name(p_bot);
  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id;
  if found then
    select s.* into v_session
      from public.bot_sessions as s
     where s.user_id = v_user.id and s.bot = p_bot
       and s.chat_id = coalesce(p_chat_id, p_telegram_id) and s.thread_id = p_thread_id;
  end if;
  return jsonb_build_object(
    'user', case when v_user.id is not null then private.user_card(v_user) end,
    'session', coalesce(v_session.session_data, '{}'),
    'stats', coalesce(v_session.stats_data, '{}')
  );
end
$$;

revoke all on function public.get_user_session from public, anon, authenticated, service_role;
grant execute on function public.get_user_session to bot_backend, service_role;
comment on function public.get_user_session is 'Returns a user with the session and statistics of one bot';

-- Grants a user a plan for months or years, or bonus credits, in the name of a service, once per reference. The plan
-- extends what the user has of it. Purchases are granted by payments (private.grant_purchase), gifts of admins by
-- admin_set_plan.
--
-- Concurrency: the user's row is locked, and the reference is unique. A repeated reference grants nothing and returns
--   what was granted then, with the present state.
-- Locks: user (NO KEY UPDATE), then as private.extend_subscription.
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   kind: 'month' | 'year' | 'credits'
--   quantity: int
--   plan: text             (the user's plan now)
--   ends_at: timestamptz | null
--   credits: { granted: bigint, left: int }   (by services in all; bonus credits left from any source)
-- Errors: L0001 no Telegram user can have this id; S0001 the kind, quantity, plan or reference is invalid; S0002 the
--   reference was used with another user or grant; 40001 the user was erased at this moment (retry).
create or replace function public.grant_subscription(
  p_telegram_id bigint,
  p_kind text,
  p_reference text,
  p_quantity integer default 1,
  p_plan text default 'PREMIUM'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_grant public.service_grants;
  v_plan text := case when p_kind <> 'credits' then p_plan end;
  v_most integer := case p_kind when 'month' then 120 when 'year' then 10 else 1000000 end;
  v_applied boolean := false;
begin
  if coalesce(p_kind, '') not in ('month', 'year', 'credits') then
    raise exception 'the kind must be month, year or credits' using errcode = 'S0001';
  elsif coalesce(p_quantity, 0) not between 1 and v_most then
    raise exception 'the quantity must be between 1 and 120 months, 10 years or 1000000 credits' using errcode = 'S0001';
  elsif coalesce(p_reference, '') not like '_%:_%' or length(p_reference) > 200 then
    raise exception 'a reference of the form service:number is required' using errcode = 'S0001';
  elsif v_plan is not null and not exists (
    select from public.subscription_limits as l where l.plan = v_plan and l.vip_level > 0
  ) then
    raise exception 'no such paid plan' using errcode = 'S0001';
  end if;
  v_user := private.find_or_create_user(p_telegram_id);
  select g.* into v_grant from public.service_grants as g where g.reference = p_reference;
  if not found then
    begin
      insert into public.service_grants as g (user_id, kind, quantity, plan, reference)
      values (v_user.id, p_kind, p_quantity, v_plan, p_reference)
      returning g.* into v_grant;
      v_applied := true;
    exception when unique_violation then
      -- A concurrent call used the reference for another user.
      raise exception 'the reference was used with another user or grant' using errcode = 'S0002';
    end;
  elsif (v_grant.user_id, v_grant.kind, v_grant.quantity, v_grant.plan)
    is distinct from (v_user.id, p_kind, p_quantity, v_plan)
  then
    raise exception 'the reference was used with another user or grant' using errcode = 'S0002';
  end if;
  if v_applied and p_kind = 'credits' then
    update public.users as u set bonus_credits = u.bonus_credits + p_quantity where u.id = v_user.id
    returning u.* into v_user;
  elsif v_applied then
    for v_number in 1..p_quantity loop
      perform private.extend_subscription(v_user.id, v_plan, 'service', p_kind, null);
    end loop;
  end if;
  return private.plan_of(v_user.id) || jsonb_build_object(
    'applied', v_applied,
    'kind', v_grant.kind,
    'quantity', v_grant.quantity,
    'credits', jsonb_build_object(
      'granted', (
        select coalesce(sum(g.quantity), 0)
          from public.service_grants as g
         where g.user_id = v_user.id and g.kind = 'credits'
      ),
      'left', v_user.bonus_credits
    )
  );
end
$$;

revoke all on function public.grant_subscription from public, anon, authenticated, service_role;
grant execute on function public.grant_subscription to bot_backend, service_role;
comment on function public.grant_subscription is 'Grants a user a plan or bonus credits in the name of a service, once per reference';

-- Gives a user free trainings in the name of a service, once for each user, source and reference.
--
-- Concurrency: the user's row is locked. A repeated reference gives nothing and returns the present state.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   applied: boolean       (false: given before)
--   granted: bigint        (free trainings from all sources)
--   left: bigint
-- Errors: L0001 no Telegram user can have this id; S0001 the quantity, source or reference is invalid; S0002 the
--   reference was used with another quantity; 40001 the user was erased at this moment (retry).
create or replace function public.grant_trainings(
  p_telegram_id bigint, p_reference text, p_quantity integer default 1, p_source text default 'service'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id bigint;
  v_applied boolean;
begin
  if coalesce(p_quantity, 0) not between 1 and 1000000 then
    raise exception 'the number of trainings must be between 1 and 1000000' using errcode = 'S0001';
  elsif coalesce(p_reference, '') not like '_%:_%' or length(p_reference) > 200 then
    raise exception 'a reference of the form service:number is required' using errcode = 'S0001';
  elsif coalesce(p_source, '') not in ('service', 'channel', 'promo', 'admin') then
    raise exception 'the source must be service, channel, promo or admin' using errcode = 'S0001';
  end if;
  v_user_id := (private.find_or_create_user(p_telegram_id)).id;
  v_applied := private.give_trainings(v_user_id, p_source, p_reference, p_quantity);
  if not v_applied and not exists (
    select
      from public.free_trainings as f
     where f.user_id = v_user_id and f.source = p_source and f.reference = p_reference and f.quantity = p_quantity
  ) then
    raise exception 'the reference was used with another quantity' using errcode = 'S0002';
  end if;
  return (
    select jsonb_build_object(
        'applied', v_applied,
        'granted', coalesce(sum(f.quantity), 0),
        'left', coalesce(sum(f.quantity - f.used), 0)
      )
      from public.free_trainings as f
     where f.user_id = v_user_id
  );
end
$$;

revoke all on function public.grant_trainings from public, anon, authenticated, service_role;
grant execute on function public.grant_trainings to bot_backend, service_role;
comment on function public.grant_trainings is 'Gives a user free trainings in the name of a service, once per reference';

-- Imports what another bot knew of a user: session, statistics, XP and badges (./switchboard import). p_hash is the key
-- of the user's tombstone: an erased user is not created again. p_data, each part optional:
-- {session: {…}, stats: {…}, xp: int, badges: [text], badges_at: timestamptz}.
-- A session that exists stays unless p_overwrite.
--
-- Concurrency: the user's row is locked. XP has the reference import:<bot>:<Telegram id>, so a repeated import gives
--   nothing twice; other XP than then is refused, because the difference may have been earned here.
-- Locks: user (NO KEY UPDATE), session.
-- Returns: jsonb
--   outcome: 'created' | 'changed' | 'unchanged' | 'erased'
--   xp: int                 (given now)
--   badges: int             (given now)
--   session: 'saved' | 'kept' | 'none'
-- Errors: L0001 no Telegram user can have this id; S0001 the bot's name is invalid; Z0002 the XP or a badge's name is
--   invalid; Z0003 other XP was imported before; 40001 the user was erased at this moment (retry).
create or replace function private.import_user(
  p_bot text, p_telegram_id bigint, p_hash text, p_data jsonb, p_overwrite boolean default false
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_is_new boolean;
  v_session public.bot_sessions;
  v_saved text := 'none';
  v_xp integer := 0;
  v_badges integer := 0;
  v_award jsonb;
begin
  perform private.check_bot_name(p_bot);
  if exists (select from public.erased_users as e where e.user_hash = decode(p_hash, 'hex')) then
    return jsonb_build_object('outcome', 'erased', 'xp', 0, 'badges', 0, 'session', 'none');
  end if;
  select not exists (select from public.users as u where u.telegram_id = p_telegram_id) into v_is_new;
  v_user := private.find_or_create_user(p_telegram_id);
  if p_data ?| array['session', 'stats'] then
    select s.* into v_session
      from public.bot_sessions as s
     where s.user_id = v_user.id and s.bot = p_bot and s.chat_id = p_telegram_id and s.thread_id = 0
       for update;
    v_saved := case
      when not found then 'saved'
      when (v_session.session_data, v_session.stats_data)
        = (coalesce(p_data -> 'session', '{}'), coalesce(p_data -> 'stats', '{}')) then 'none'
      when p_overwrite then 'saved'
      else 'kept'
    end;
    if v_saved = 'saved' then
      insert into public.bot_sessions as s (user_id, bot, chat_id, session_data, stats_data)
      values (
        v_user.id, p_bot, p_telegram_id, coalesce(p_data -> 'session', '{}'), coalesce(p_data -> 'stats', '{}')
      )
      on conflict (user_id, bot, chat_id, thread_id) do update
        set session_data = excluded.session_data, stats_data = excluded.stats_data, updated_at = private.clock();
    end if;
  end if;
  if coalesce((p_data ->> 'xp')::integer, 0) <> 0 then
    v_award := private.award_xp(
      v_user.id, p_bot, 'import', format('import:%s:%s', p_bot, p_telegram_id), (p_data ->> 'xp')::integer
    );
    v_xp := case when (v_award ->> 'awarded')::boolean then (v_award ->> 'points')::integer else 0 end;
  end if;
  for v_award in select b.value from jsonb_array_elements(p_data -> 'badges') as b (value) loop
    if private.award_badge(v_user.id, p_bot, v_award #>> '{}', '{"imported": true}') then
      v_badges := v_badges + 1;
      update public.user_badges as b
         set earned_at = coalesce((p_data ->> 'badges_at')::timestamptz, b.earned_at)
       where b.user_id = v_user.id and b.bot = p_bot and b.badge = v_award #>> '{}';
    end if;
  end loop;
  return jsonb_build_object(
    'outcome', case
      when v_is_new then 'created'
      when v_xp <> 0 or v_badges > 0 or v_saved = 'saved' then 'changed'
      else 'unchanged'
    end,
    'xp', v_xp, 'badges', v_badges, 'session', v_saved
  );
end
$$;

revoke all on function private.import_user from public, anon, authenticated, service_role;
comment on function private.import_user is 'Imports what another bot knew of a user';

-- Tells whether a text is a language tag (BCP 47): a language of two or three letters and up to four subtags.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean; null and no language are accepted, so the result is true for null.
-- Errors: none.
create or replace function private.is_language_tag(p_language text)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(p_language ~ '^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}$', true);
$$;

revoke all on function private.is_language_tag from public, anon, authenticated, service_role;
comment on function private.is_language_tag is 'Tells whether a text is a language tag';

-- Merges two JSON objects key by key; a key whose new value is null is removed. A null change leaves the first as it
-- is; with p_replace the change takes its place.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, the object.
-- Errors: none.
create or replace function private.merged(p_old jsonb, p_change jsonb, p_replace boolean)
returns jsonb
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_change is null then p_old
    when p_replace then p_change
    else (
      select coalesce(jsonb_object_agg(e.key, e.value), '{}'::jsonb)
        from jsonb_each(p_old || p_change) as e
       where not (p_change ? e.key and e.value = 'null')
    )
  end;
$$;

revoke all on function private.merged from public, anon, authenticated, service_role;
comment on function private.merged is 'Merges two JSON objects key by key';

-- Empties the session of a user with one bot: its data and its mode; with p_keep_stats false the statistics too. The
-- conversation and other bots' sessions stay.
--
-- Concurrency: repeated, it changes nothing.
-- Locks: session.
-- Returns: boolean, whether there was a session.
-- Errors: S0001 the bot's name is invalid.
create or replace function public.reset_user_session(
  p_telegram_id bigint,
  p_bot text,
  p_keep_stats boolean default true,
  p_chat_id bigint default null,
  p_thread_id bigint default 0
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.check_bot_name(p_bot);
  update public.bot_sessions as s
     set session_data = '{}',
         mode = 'chat',
         stats_data = case when p_keep_stats then s.stats_data else '{}' end,
         updated_at = private.clock()
    from public.users as u
   where u.telegram_id = p_telegram_id and s.user_id = u.id and s.bot = p_bot
     and s.chat_id = coalesce(p_chat_id, p_telegram_id) and s.thread_id = p_thread_id;
  return found;
end
$$;

revoke all on function public.reset_user_session from public, anon, authenticated, service_role;
grant execute on function public.reset_user_session to bot_backend, service_role;
comment on function public.reset_user_session is 'Empties the session of a user with one bot';

-- Saves the session of a user with one bot, its statistics, or both; null leaves a part alone. Keys are merged, and a
-- key whose value is null is removed, so two writers lose nothing of each other's keys. With p_replace the given parts
-- are stored as they are.
--
-- Concurrency: calls for one session are serialized by its row. Repeated, it changes nothing.
-- Locks: user (NO KEY UPDATE), session.
-- Returns: jsonb
--   session: jsonb
--   stats: jsonb
-- Errors: L0001 no Telegram user can have this id; S0001 the bot's name is invalid, a part is no JSON object, or a
--   part would become larger than 256 kB; 40001 the user was erased at this moment (retry).
create or replace function public.save_user_session(
  p_telegram_id bigint,
  p_bot text,
  p_session jsonb default null,
  p_stats jsonb default null,
  p_replace boolean default false,
  p_chat_id bigint default null,
  p_thread_id bigint default 0
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id bigint;
  v_chat_id bigint := coalesce(p_chat_id, p_telegram_id);
  v_session public.bot_sessions;
begin
  perform private.check_bot_name(p_bot);
  if jsonb_typeof(p_session) <> 'object' or jsonb_typeof(p_stats) <> 'object' then
    raise exception 'session and statistics must be JSON objects' using errcode = 'S0001';
  end if;
  v_user_id := (private.find_or_create_user(p_telegram_id)).id;
  insert into public.bot_sessions (user_id, bot, chat_id, thread_id)
  values (v_user_id, p_bot, v_chat_id, p_thread_id)
  on conflict (user_id, bot, chat_id, thread_id) do nothing;
  select s.* into v_session
    from public.bot_sessions as s
   where s.user_id = v_user_id and s.bot = p_bot and s.chat_id = v_chat_id and s.thread_id = p_thread_id
     for update;
  v_session.session_data := private.merged(v_session.session_data, p_session, p_replace);
  v_session.stats_data := private.merged(v_session.stats_data, p_stats, p_replace);
  if greatest(length(v_session.session_data::text), length(v_session.stats_data::text)) > 262144 then
    raise exception 'session and statistics must each be at most 256 kB' using errcode = 'S0001';
  end if;
  update public.bot_sessions as s
     set session_data = v_session.session_data, stats_data = v_session.stats_data, updated_at = private.clock()
   where s.user_id = v_user_id and s.bot = p_bot and s.chat_id = v_chat_id and s.thread_id = p_thread_id;
  return jsonb_build_object('session', v_session.session_data, 'stats', v_session.stats_data);
end
$$;

revoke all on function public.save_user_session from public, anon, authenticated, service_role;
grant execute on function public.save_user_session to bot_backend, service_role;
comment on function public.save_user_session is 'Saves the session of a user with one bot, its statistics, or both';

-- Sets the language that all bots speak with a user; null: the language of the user's Telegram client. Bots that do
-- not speak it use the nearest one they do.
--
-- Concurrency: repeated, it changes nothing.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   ...private.user_card
-- Errors: L0001 no Telegram user can have this id; S0001 the language is invalid; 40001 the user was erased at this
--   moment (retry).
create or replace function public.set_user_language(p_telegram_id bigint, p_language text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
begin
  if not private.is_language_tag(p_language) then
    raise exception 'the language must be a tag such as en or pt-BR' using errcode = 'S0001';
  end if;
  v_user := private.find_or_create_user(p_telegram_id);
  update public.users as u set language = p_language where u.id = v_user.id
  returning u.* into v_user;
  return private.user_card(v_user);
end
$$;

revoke all on function public.set_user_language from public, anon, authenticated, service_role;
grant execute on function public.set_user_language to bot_backend, service_role;
comment on function public.set_user_language is 'Sets the language that all bots speak with a user';

-- Returns what other services need to know of a user. Services may store it: keys are added, never renamed.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   telegram_id: bigint
--   username: text | null
--   first_name: text
--   last_name: text | null
--   language: text         (chosen by the user; else that of the Telegram client)
--   plan: text
--   plan_ends_at: timestamptz | null
--   vip_level: int
--   is_paid: boolean
--   is_admin: boolean
--   is_banned: boolean
--   is_active: boolean     (false: the user blocks every bot)
--   has_started: boolean   (false: no bot has received a message of the user yet)
--   balance: numeric
--   bonus_credits: int
--   total_xp: bigint
--   level: int
--   referral_code: text
--   total_referrals: int
--   created_at: timestamptz
--   last_activity: timestamptz
-- Errors: none.
create or replace function private.user_card(p_user public.users)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_plan jsonb := private.plan_of(p_user.id);
begin
  return jsonb_build_object(
    'id', p_user.id,
    'telegram_id', p_user.telegram_id,
    'username', p_user.username,
    'first_name', p_user.first_name,
    'last_name', p_user.last_name,
    'language', coalesce(p_user.language, p_user.language_code),
    'plan', v_plan -> 'plan',
    'plan_ends_at', v_plan -> 'ends_at',
    'vip_level', p_user.vip_level,
    'is_paid', p_user.is_paid,
    'is_admin', p_user.is_admin,
    'is_banned', p_user.banned_at is not null,
    'is_active', p_user.is_active,
    'has_started', p_user.has_started,
    'balance', p_user.balance::text,
    'bonus_credits', p_user.bonus_credits,
    'total_xp', p_user.total_xp,
    'level', p_user.level,
    'referral_code', p_user.referral_code,
    'total_referrals', p_user.total_referrals,
    'created_at', p_user.created_at,
    'last_activity', p_user.last_activity
  );
end
$$;

revoke all on function private.user_card from public, anon, authenticated, service_role;
comment on function private.user_card is 'Returns what other services need to know of a user';

-- Reminds users that a purchased, trial or promo subscription expires: three days before, one day before, and when it has
-- expired. No reminder before the end is sent to a user whose renewal is active; that user is notified after the grace period.
-- No reminder is sent when another subscription continues the plan, or when the subscription is shorter than the time before
-- its end.
--
-- Concurrency: subscriptions that another transaction has locked and users who are being erased are skipped. A reminder is
--   stored in subscriptions.reminded and sent once; an extended subscription is reminded of again. A reminder that is more than
--   a day late is not sent: the next one is more accurate.
-- Locks: subscriptions by ends_at (FOR UPDATE SKIP LOCKED), each followed by its user (KEY SHARE SKIP LOCKED).
-- Returns: jsonb
--   outgoing
-- Errors: none.
create or replace function public.enqueue_expiry_reminders(p_limit integer default 200)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_due record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select s.id, s.user_id, s.source, k.until, r.reminder, b.bot
      from public.subscriptions as s
      cross join lateral (
        select private.effective_end(s.user_id, s.plan, s.source, s.ends_at) as until
      ) as k
      cross join lateral (
        select case
            when k.until <= v_now then 'over'
            when k.until <= v_now + interval '1 day' then 'day'
            else 'days'
          end as reminder
      ) as r
      left join lateral (
        select coalesce(
            (select o.bot from public.orders as o where o.user_id = s.user_id order by o.id desc limit 1),
            -- Without an order (trial, promo code): the bot that the user used last.
            (select private.reachable_bot(u.id, u.telegram_id, null) from public.users as u where u.id = s.user_id)
          ) as bot
      ) as b on true
     where s.source in ('purchase', 'trial', 'promo', 'service')
       and s.ends_at between v_now - interval '1 day' - private.grace_period() and v_now + interval '3 days'
       and k.until between v_now - interval '1 day' and v_now + interval '3 days'
       and s.status in ('active', 'expired')
       and s.reminded is distinct from r.reminder || ' ' || s.ends_at::text
       and s.starts_at < s.ends_at - case r.reminder
         when 'days' then interval '3 days'
         when 'day' then interval '1 day'
         else interval '0'
       end
       and not exists (
         select
           from public.subscriptions as a
           join public.subscription_limits as l on l.plan = a.plan
           join public.subscription_limits as m on m.plan = s.plan
          where a.user_id = s.user_id
            and a.status = 'active'
            and l.vip_level >= m.vip_level
            and (a.ends_at is null or a.ends_at > s.ends_at)
       )
       and (
         r.reminder = 'over'
         or not exists (
           select from public.renewals as n
            where n.user_id = s.user_id and n.status in ('active', 'past_due')
         )
       )
     order by s.ends_at
     limit p_limit
       for update of s skip locked
  loop
    perform from public.users as u where u.id = v_due.user_id for key share skip locked;
    continue when not found;
    update public.subscriptions as s
       set reminded = v_due.reminder || ' ' || s.ends_at::text
     where s.id = v_due.id;
    v_outgoing := v_outgoing || private.enqueue_user_message(
      v_due.user_id,
      v_due.bot,
      'ends_' || case v_due.source when 'trial' then 'trial_' else '' end || v_due.reminder,
      jsonb_build_object('until', jsonb_build_object('date', v_due.until))
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.enqueue_expiry_reminders from public, anon, authenticated, service_role;
grant execute on function public.enqueue_expiry_reminders to bot_backend;
comment on function public.enqueue_expiry_reminders is 'Reminds users that a subscription expires';

-- Gives a user who was erased and returns what had been used up: referral, free trial, trainings of channels,
-- redeemed promo codes and the wrong ones of today, XP that is given once, requests of today and this month, a ban.
-- Badges of before are not awarded again. Everything else starts from zero.
--
-- Concurrency: the caller has just inserted the user's row, or holds one that another service created; what that
--   service gave stays. The tombstone is deleted, and saved again by the next erasure.
-- Locks: the row of erased_users, user, then trainings, counters and promo codes of the user.
-- Returns: public.users, the user's row.
-- Errors: none.
create or replace function private.apply_tombstone(p_user_id bigint, p_hash text)
returns public.users
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_tombstone public.erased_users;
  v_user public.users;
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
begin
  delete from public.erased_users as e where e.user_hash = decode(p_hash, 'hex') returning e.* into v_tombstone;
  if found then
    update public.users as u
       set is_newcomer = u.is_newcomer and not v_tombstone.used ? 'referral',
           trial_used = u.trial_used or v_tombstone.used ? 'trial',
           banned_at = coalesce(u.banned_at, (v_tombstone.used ->> 'banned_at')::timestamptz)
     where u.id = p_user_id;
    insert into public.free_trainings (user_id, source, reference, quantity)
    select p_user_id, 'channel', c.reference, 0
      from jsonb_array_elements_text(v_tombstone.used -> 'channels') as c (reference)
    on conflict (user_id, source, reference) do nothing;
    insert into public.xp_awards (user_id, bot, rule, reference, requested, points)
    select p_user_id, x.bot, x.rule, x.reference, 0, 0
      from jsonb_to_recordset(v_tombstone.used -> 'xp') as x (bot text, rule text, reference text)
    on conflict (user_id, rule, reference) do nothing;
    insert into public.user_badges (user_id, badge, bot, revoked_at)
    select p_user_id, b.badge, b.bot, private.clock()
      from jsonb_to_recordset(v_tombstone.used -> 'badges') as b (bot text, badge text)
    on conflict (user_id, badge, bot) do nothing;
    insert into public.daily_usage as u (user_id, bot, day, requests)
    select p_user_id, d.bot, d.day, d.requests
      from jsonb_to_recordset(v_tombstone.usage -> 'daily') as d (bot text, day date, requests integer)
     where d.day >= v_today
    on conflict (user_id, day, bot) do update set requests = u.requests + excluded.requests;
    insert into public.monthly_usage as u (user_id, month, requests)
    select p_user_id, m.month, m.requests
      from jsonb_to_recordset(v_tombstone.usage -> 'monthly') as m (month date, requests integer)
     where m.month >= date_trunc('month', v_today::timestamp)
    on conflict (user_id, month) do update set requests = u.requests + excluded.requests;
    -- Consumed: the erasure deleted what the code gave, unused discounts included.
    insert into public.promocode_usages (promocode_id, user_id, given, consumed_at)
    select p.id, p_user_id, '{}', private.clock()
      from public.promocodes as p
     where p.id in (
       select substr(k.key, length('promocode:') + 1)::bigint
         from jsonb_object_keys(v_tombstone.used) as k (key)
        where starts_with(k.key, 'promocode:')
     )
    on conflict (promocode_id, user_id) do nothing;
    insert into public.promocode_attempts as p (user_id, day, failed_attempts)
    select p_user_id, t.day, t.failed_attempts
      from jsonb_to_record(v_tombstone.usage -> 'promocode_attempts') as t (day date, failed_attempts integer)
     where t.day >= v_today
    on conflict (user_id) do update set day = excluded.day, failed_attempts = greatest(p.failed_attempts, excluded.failed_attempts);
  end if;
  select u.* into v_user from public.users as u where u.id = p_user_id;
  return v_user;
end
$$;

revoke all on function private.apply_tombstone from public, anon, authenticated, service_role;
comment on function private.apply_tombstone is 'Gives a returning user what had been used up';

-- Erases the user of an update, as the last change of this update. What accounting needs stays without the user:
-- orders and payments, the ledger, whose remaining balance is booked out first, and the audit log of admins. Users
-- whom they referred, or who referred them, keep their credits.
--
-- p_erasure {hash, balance}: the key of the tombstone in erased_users, and the balance that the user agreed to lose.
-- The update keeps its answer without the chat id, and its outbox items until they are delivered.
--
-- Concurrency: the caller holds the update row and has locked the user exclusively (private.lock_user): every other
--   change of the user's data is committed, or will find no user. Update rows of the user that are locked right now
--   are skipped; their workers anonymize them when they try to lock the user.
-- Locks: as private.anonymize_payment_data and private.save_tombstone, waiting alarms, update row, the user's other
--   update rows (FOR UPDATE SKIP LOCKED), outbox items, audit log, scores on boards, calls to AI providers, referrals, teams
--   by id, user.
-- Returns: void
-- Errors: Y0001, the balance is higher than the user agreed to lose; Y0002, a renewal is running.
create or replace function private.erase_user(p_update public.telegram_updates, p_erasure jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_other record;
begin
  select u.* into v_user from public.users as u where u.id = p_update.user_id;
  if v_user.balance > (p_erasure ->> 'balance')::numeric then
    raise exception 'the balance is higher than the user agreed to lose' using errcode = 'Y0001';
  elsif v_user.balance > 0 then
    -- The reference does not identify the user.
    insert into public.balance_transactions (user_id, amount, balance_after, reason, reference)
    values (v_user.id, -v_user.balance, 0, 'erased', 'erased:' || gen_random_uuid());
  end if;
  perform private.anonymize_payment_data(v_user);
  perform private.save_tombstone(v_user, p_erasure ->> 'hash');

  -- An error message may quote the user's text.
  update private.waiting_alarms as w
     set values = w.values || '{"error": "—"}'
   where w.key = 'owner_alert'
     and exists (
       select
         from public.telegram_updates as t
        where t.bot = w.values ->> 'bot'
          and t.update_id = (w.values ->> 'update_id')::bigint
          and t.user_id = v_user.id
     );
  update public.telegram_updates as t
     set chat_id = null, thread_id = 0, user_id = null, delivery = null, answer = t.answer - 'chat_id'
   where t.bot = p_update.bot and t.update_id = p_update.update_id;
  for v_other in
    select t.bot, t.update_id
      from public.telegram_updates as t
     where t.user_id = v_user.id
       for update skip locked
  loop
    perform private.anonymize_update(v_other.bot, v_other.update_id);
  end loop;
  delete from public.telegram_outbox as o
   where o.chat_id = v_user.telegram_id
     and (o.bot, o.update_id) is distinct from (p_update.bot, p_update.update_id);
  delete from private.waiting_alarms as w where w.values ->> 'user' = v_user.telegram_id::text;
  -- Bodies that could not be parsed have no user_id: search them for the Telegram id.
  update public.telegram_updates as t
     set payload = null, error = null
   where t.kind = 'invalid' and strpos(t.payload #>> '{}', v_user.telegram_id::text) > 0;

  update public.audit_log as l
     set user_id = null, before = l.before - 'reason', after = l.after - 'reason'
   where l.user_id = v_user.id;
  perform private.leave_boards(v_user.id);
  delete from public.api_usage as a where a.user_id = v_user.id;
  delete from public.user_referrals as r
   where (r.referrer_id = v_user.id and r.referred_id is null)
      or (r.referred_id = v_user.id and r.referrer_id is null);
  -- A team ends with its last member. It is locked first, so that the check sees who joined meanwhile.
  perform
    from public.teams as t
   where t.id in (select m.team_id from public.team_members as m where m.user_id = v_user.id)
   order by t.id
     for update;
  delete from public.teams as t
   where t.id in (select m.team_id from public.team_members as m where m.user_id = v_user.id)
     and not exists (select from public.team_members as m where m.team_id = t.id and m.user_id <> v_user.id);
  -- Foreign keys delete the remaining rows or set their user_id to null.
  delete from public.users as u where u.id = v_user.id;
end
$$;

revoke all on function private.erase_user from public, anon, authenticated, service_role;
comment on function private.erase_user is 'Erases the user of an update';

-- Collects what is stored about a user's quizzes. Of answers and quizzes it holds the newest 10,000.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.quiz_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'runs', (
      select coalesce(jsonb_agg(to_jsonb(r.run) - 'user_id' order by r.id), '[]'::jsonb)
        from (
          select q as run, q.id from public.quiz_runs as q where q.user_id = p_user_id order by q.id desc limit 10000
        ) as r
    ),
    'answers', (
      select coalesce(jsonb_agg(to_jsonb(a.answer) - 'user_id' order by a.run_id, a.n), '[]'::jsonb)
        from (
          select q as answer, q.run_id, q.n
            from public.quiz_answers as q
           where q.user_id = p_user_id
           order by q.answered_at desc
           limit 10000
        ) as a
    ),
    'cards', (
      select coalesce(jsonb_agg(to_jsonb(c) - 'user_id' order by c.question), '[]'::jsonb)
        from public.quiz_cards as c
       where c.user_id = p_user_id
    ),
    'totals', (
      select coalesce(jsonb_agg(to_jsonb(t) - 'user_id' order by t.bot), '[]'::jsonb)
        from public.quiz_totals as t
       where t.user_id = p_user_id
    ),
    'topics', (
      select coalesce(jsonb_agg(to_jsonb(t) - 'user_id' order by t.bot, t.topic), '[]'::jsonb)
        from public.quiz_topics as t
       where t.user_id = p_user_id
    ),
    'days', (
      select coalesce(jsonb_agg(to_jsonb(d) - 'user_id' order by d.day, d.bot), '[]'::jsonb)
        from public.quiz_days as d
       where d.user_id = p_user_id
    ),
    'reminders', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.bot), '[]'::jsonb)
        from public.quiz_reminders as m
       where m.user_id = p_user_id
    ),
    'rounds', (
      select coalesce(jsonb_agg(to_jsonb(r) - array['id', 'user_id'] order by r.id), '[]'::jsonb)
        from public.quiz_rounds as r
       where r.user_id = p_user_id
    ),
    'poll_answers', (
      select coalesce(jsonb_agg(to_jsonb(a.answer) - 'user_id' order by a.answered_at, a.poll_id), '[]'::jsonb)
        from (
          select p as answer, p.answered_at, p.poll_id
            from public.quiz_poll_answers as p
           where p.user_id = p_user_id
           order by p.answered_at desc
           limit 10000
        ) as a
    )
  );
$$;

revoke all on function private.quiz_section from public, anon, authenticated, service_role;
comment on function private.quiz_section is 'Collects what is stored about a user''s quizzes';

-- Stores what a user who is being erased must not get again, under a keyed hash that does not identify the user:
-- referral, free trial, trainings of channels, promo codes, badges and XP that are given once, requests of today and
-- this month, wrong promo codes of today, a ban. A user who used nothing leaves no row.
--
-- Concurrency: the caller has locked the user exclusively. A user who was erased before, returned and is erased again
--   has one row.
-- Locks: the row of erased_users.
-- Returns: void
-- Errors: none.
create or replace function private.save_tombstone(p_user public.users, p_hash text)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_used jsonb := jsonb '{}';
  v_usage jsonb := jsonb '{}';
  v_daily jsonb;
  v_monthly jsonb;
  v_channels jsonb;
  v_xp jsonb;
  v_badges jsonb;
  v_promocode_tries jsonb;
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
begin
  if not p_user.is_newcomer
    or exists (select from public.user_referrals as r where r.referred_id = p_user.id)
  then
    v_used := v_used || '{"referral": true}';
  end if;
  if p_user.trial_used
    -- A buyer gets no trial either, and after the erasure the purchase is not visible any more.
    or exists (select from public.subscriptions as s where s.user_id = p_user.id and s.source = 'purchase')
  then
    v_used := v_used || '{"trial": true}';
  end if;
  v_used := v_used || coalesce(
    (
      select jsonb_object_agg('promocode:' || u.promocode_id, true)
        from public.promocode_usages as u
       where u.user_id = p_user.id
    ),
    '{}'::jsonb
  );
  if p_user.banned_at is not null then
    v_used := v_used || jsonb_build_object('banned_at', p_user.banned_at);
  end if;
  select jsonb_agg(f.reference order by f.id) into v_channels
    from public.free_trainings as f
   where f.user_id = p_user.id and f.source = 'channel';
  if v_channels is not null then
    v_used := v_used || jsonb_build_object('channels', v_channels);
  end if;
  select jsonb_agg(jsonb_build_object('bot', a.bot, 'rule', a.rule, 'reference', a.reference)) into v_xp
    from public.xp_awards as a
   where a.user_id = p_user.id and starts_with(a.reference, 'once:');
  if v_xp is not null then
    v_used := v_used || jsonb_build_object('xp', v_xp);
  end if;
  select jsonb_agg(jsonb_build_object('bot', b.bot, 'badge', b.badge)) into v_badges
    from public.user_badges as b
   where b.user_id = p_user.id;
  if v_badges is not null then
    v_used := v_used || jsonb_build_object('badges', v_badges);
  end if;
  select jsonb_agg(jsonb_build_object('bot', d.bot, 'day', d.day, 'requests', d.requests)) into v_daily
    from public.daily_usage as d
   where d.user_id = p_user.id
     and d.day >= v_today
     and d.requests > 0;
  if v_daily is not null then
    v_usage := jsonb_build_object('daily', v_daily);
  end if;
  select jsonb_agg(jsonb_build_object('month', m.month, 'requests', m.requests)) into v_monthly
    from public.monthly_usage as m
   where m.user_id = p_user.id
     and m.month >= date_trunc('month', v_today::timestamp)
     and m.requests > 0;
  if v_monthly is not null then
    v_usage := v_usage || jsonb_build_object('monthly', v_monthly);
  end if;
  select v_usage || jsonb_build_object('promocode_attempts', jsonb_build_object('day', t.day, 'failed_attempts', t.failed_attempts))
    into v_promocode_tries
    from public.promocode_attempts as t
   where t.user_id = p_user.id and t.day >= v_today and t.failed_attempts > 0;
  v_usage := coalesce(v_promocode_tries, v_usage);
  if v_used = '{}' and v_usage = '{}' then
    return;
  end if;
  insert into public.erased_users as e (user_hash, used, usage)
  values (decode(p_hash, 'hex'), v_used, v_usage)
  on conflict (user_hash) do update
    set used = e.used || excluded.used,
        usage = excluded.usage,
        erased_at = excluded.erased_at;
end
$$;

revoke all on function private.save_tombstone from public, anon, authenticated, service_role;
comment on function private.save_tombstone is 'Stores what an erased user must not get again';

-- Collects all data stored about a user except the conversation. Each section has a title and an explanation in the
-- texts (section_<name>). Of the AI calls it holds the newest 10,000; the monthly sums cover all.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per section.
-- Errors: none.
create or replace function private.user_data_sections(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'user', to_jsonb(u),
    'sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.bot, s.chat_id, s.thread_id), '[]')
        from public.bot_sessions as s
       where s.user_id = u.id
    ),
    'requests', (
      select coalesce(jsonb_agg(to_jsonb(d) - 'user_id' order by d.day, d.bot), '[]')
        from public.daily_usage as d
       where d.user_id = u.id
    ),
    'months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month), '[]')
        from public.monthly_usage as m
       where m.user_id = u.id
    ),
    'ai_months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month, m.provider, m.model), '[]')
        from public.monthly_api_usage as m
       where m.user_id = u.id
    ),
    'ai_calls', (
      select coalesce(jsonb_agg(to_jsonb(c.call) - array['id', 'user_id'] order by c.created_at, c.id), '[]')
        from (
          select a as call, a.created_at, a.id
            from public.api_usage as a
           where a.user_id = u.id
           order by a.created_at desc
           limit 10000
        ) as c
    ),
    'keys', public.list_user_tokens(u.id),
    'balance', (
      select coalesce(jsonb_agg(to_jsonb(t) - 'user_id' order by t.id), '[]')
        from public.balance_transactions as t
       where t.user_id = u.id
    ),
    'subscriptions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.id), '[]')
        from public.subscriptions as s
       where s.user_id = u.id
    ),
    'grants', (
      select coalesce(jsonb_agg(to_jsonb(g) - array['id', 'user_id'] order by g.id), '[]')
        from public.service_grants as g
       where g.user_id = u.id
    ),
    'trainings', jsonb_build_object(
      'given', (
        select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]'::jsonb)
          from public.free_trainings as f
         where f.user_id = u.id
      ),
      'used', (
        select coalesce(jsonb_agg(to_jsonb(a) - array['id', 'user_id'] order by a.id), '[]'::jsonb)
          from public.access_usages as a
         where a.user_id = u.id
      ),
      'sessions', (
        select coalesce(
            jsonb_agg(to_jsonb(t) - array['user_id', 'rules', 'turn_reference', 'turn_lease_until'] order by t.id),
            '[]'::jsonb
          )
          from public.trainings as t
         where t.user_id = u.id
      ),
      'turns', (
        select coalesce(jsonb_agg(to_jsonb(r) - 'id' order by r.training_id, r.position), '[]'::jsonb)
          from public.trainings as t
          join public.training_turns as r on r.training_id = t.id
         where t.user_id = u.id
      ),
      'disputes', (
        select coalesce(jsonb_agg(to_jsonb(d) - array['turn_id', 'user_id'] order by d.id), '[]'::jsonb)
          from public.training_disputes as d
         where d.user_id = u.id
      ),
      'history', (
        select coalesce(jsonb_agg(to_jsonb(h) - array['id', 'user_id'] order by h.id), '[]'::jsonb)
          from public.training_history as h
         where h.user_id = u.id
      )
    ),
    'teams', private.teams_section(u.id),
    'xp', private.xp_section(u.id),
    'quiz', private.quiz_section(u.id),
    'payments', private.payments_section(u),
    'promocodes', jsonb_build_object(
      'redeemed', (
        select coalesce(jsonb_agg(to_jsonb(p) - 'user_id' order by p.created_at, p.promocode_id), '[]'::jsonb)
          from public.promocode_usages as p
         where p.user_id = u.id
      ),
      'attempts', (select to_jsonb(t) - 'user_id' from public.promocode_attempts as t where t.user_id = u.id)
    ),
    'referrals', jsonb_build_object(
      'invited_by', (
        select to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referrer_credits']
          from public.user_referrals as r
         where r.referred_id = u.id
      ),
      'invited', (
        select coalesce(
            jsonb_agg(
              to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referred_credits'] order by r.id
            ),
            '[]'
          )
          from public.user_referrals as r
         where r.referrer_id = u.id
      )
    ),
    'admins', (
      select coalesce(jsonb_agg(to_jsonb(l) - array['user_id', 'admin_email'] order by l.id), '[]')
        from public.audit_log as l
       where l.user_id = u.id
    ),
    'updates', (
      select coalesce(
          jsonb_agg(to_jsonb(t) - array['user_id', 'delivery'] order by t.received_at, t.update_id), '[]'
        )
        from public.telegram_updates as t
       where t.user_id = u.id
    ),
    'unsent', (
      select coalesce(jsonb_agg(to_jsonb(o) order by o.id), '[]')
        from public.telegram_outbox as o
       where o.chat_id = u.telegram_id
    )
  )
  from public.users as u
  where u.id = p_user_id;
$$;

revoke all on function private.user_data_sections from public, anon, authenticated, service_role;
comment on function private.user_data_sections is 'Collects all data stored about a user except the conversation';

-- Records the answer to the current question of a quiz, once, and finishes the quiz with the last one.
--
-- p_choice: positions in the bank; empty and p_is_right null for a question that was withdrawn from the bank, which counts
-- nothing. p_card: the question's state in FSRS after this answer. p_next: the next question is shown at once.
--
-- Concurrency: the user's row and the quiz are locked; the primary key of quiz_answers lets one answer count. The update that
--   gave the answer gets its result again.
-- Locks: user (NO KEY UPDATE), quiz (FOR UPDATE), then the user's counters and as private.finish_quiz_run.
-- Returns: jsonb
--   outcome: 'counted' | 'answered' | 'closed' | 'none'   (answered: before, by another update, or not the current question;
--                                              closed: the quiz is over; none: no quiz of this user)
--   run?: private.quiz_run_state               (all but none)
-- Errors: none.
create or replace function public.answer_quiz_question(
  p_user_id bigint, p_bot text, p_run_id bigint, p_n integer, p_reference text, p_version text, p_topic text,
  p_choice jsonb, p_is_right boolean, p_card jsonb default null, p_next boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_run public.quiz_runs;
  v_known public.quiz_answers;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  select r.* into v_run
    from public.quiz_runs as r
   where r.id = p_run_id and r.user_id = p_user_id and r.bot = p_bot
     for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  select a.* into v_known from public.quiz_answers as a where a.run_id = p_run_id and a.n = p_n;
  if found then
    return jsonb_build_object(
      'outcome', case when v_known.reference = p_reference then 'counted' else 'answered' end,
      'run', private.quiz_run_state(v_run)
    );
  elsif v_run.status <> 'open' then
    return jsonb_build_object('outcome', 'closed', 'run', private.quiz_run_state(v_run));
  elsif p_n <> v_run.answered + 1 or p_n <> v_run.shown then
    return jsonb_build_object('outcome', 'answered', 'run', private.quiz_run_state(v_run));
  end if;

  insert into public.quiz_answers (run_id, n, user_id, question, version, choice, is_right, seconds, reference, answered_at)
  values (
    p_run_id, p_n, p_user_id, v_run.questions[p_n], p_version, array(select c.position::smallint from jsonb_array_elements_text(p_choice) as c (position)),
    p_is_right, private.seconds_since(v_run.shown_at), p_reference, v_now
  );
  if p_is_right is not null then
    perform private.count_quiz_answer(p_user_id, p_bot, p_topic, p_is_right);
    if p_card is not null then
      perform private.save_quiz_card(p_user_id, v_run.questions[p_n], p_card, p_is_right);
    end if;
  end if;
  update public.quiz_runs as r
     set answered = p_n,
         right_answers = r.right_answers + coalesce(p_is_right, false)::integer,
         shown = case when p_next and p_n < cardinality(r.questions) then p_n + 1 else r.shown end,
         shown_at = case when p_next then v_now else r.shown_at end
   where r.id = p_run_id
  returning r.* into v_run;
  if v_run.answered = cardinality(v_run.questions) then
    perform private.finish_quiz_run(v_run);
    select r.* into v_run from public.quiz_runs as r where r.id = p_run_id;
  end if;
  return jsonb_build_object('outcome', 'counted', 'run', private.quiz_run_state(v_run));
end
$$;

revoke all on function public.answer_quiz_question from public, anon, authenticated, service_role;
grant execute on function public.answer_quiz_question to bot_backend;
comment on function public.answer_quiz_question is 'Records the answer to a question of a quiz';

-- Begins a round of quiz polls in a group, or continues the one that the same update began. A group has one round at a time.
--
-- Concurrency: the unique index of running rounds lets one of two updates begin; the other finds it running.
-- Locks: user (KEY SHARE), the round.
-- Returns: jsonb
--   outcome: 'begun' | 'running'
--   round_id: bigint
--   questions: [ text ]
--   sent: [ int ]          (numbers of the questions whose poll was sent)
-- Errors: none.
create or replace function public.begin_quiz_round(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_language text, p_questions jsonb, p_seconds integer,
  p_reference text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_round public.quiz_rounds;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  insert into public.quiz_rounds as r (bot, chat_id, thread_id, user_id, language, questions, reference, closes_at)
  values (
    p_bot, p_chat_id, p_thread, p_user_id, p_language, array(select jsonb_array_elements_text(p_questions)),
    p_reference,
    private.clock() + make_interval(secs => p_seconds)
  )
  on conflict do nothing
  returning r.* into v_round;
  if not found then
    select r.* into v_round from public.quiz_rounds as r where r.reference = p_reference;
  end if;
  if not found then
    return jsonb_build_object('outcome', 'running', 'round_id', 0, 'questions', '[]'::jsonb, 'sent', '[]'::jsonb);
  end if;
  return jsonb_build_object(
    'outcome', 'begun',
    'round_id', v_round.id,
    'questions', to_jsonb(v_round.questions),
    'sent', (
      select coalesce(jsonb_agg(p.n order by p.n), '[]'::jsonb) from public.quiz_polls as p where p.round_id = v_round.id
    )
  );
end
$$;

revoke all on function public.begin_quiz_round from public, anon, authenticated, service_role;
grant execute on function public.begin_quiz_round to bot_backend;
comment on function public.begin_quiz_round is 'Begins a round of quiz polls in a group';

-- Returns rounds of quiz polls that are closed and not summarized yet, with who answered right most often.
--
-- Concurrency: read-only; two runs may return the same round (see public.enqueue_quiz_summary).
-- Locks: none.
-- Returns: jsonb
--   [ {
--     round_id: bigint, bot: text, chat_id: bigint, thread_id: bigint, language: text, questions: int, polls: int,
--     players: int,
--     best: [ { name: text, right_answers: int } ]     (at most ten)
--   } ]
-- Errors: none.
create or replace function public.closed_quiz_rounds(p_limit integer default 20)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(
        jsonb_agg(
          jsonb_build_object(
            'round_id', r.id, 'bot', r.bot, 'chat_id', r.chat_id, 'thread_id', r.thread_id, 'language', r.language,
            'questions', cardinality(r.questions),
            'polls', (select count(*) from public.quiz_polls as p where p.round_id = r.id),
            'players', (
              select count(distinct a.user_id)
                from public.quiz_polls as p
                join public.quiz_poll_answers as a on a.bot = p.bot and a.poll_id = p.poll_id
               where p.round_id = r.id
            ),
            'best', (
              select coalesce(
                  jsonb_agg(
                    jsonb_build_object('name', b.first_name, 'right_answers', b.right_answers)
                    order by b.right_answers desc, b.last_at, b.id
                  ),
                  '[]'::jsonb
                )
                from (
                  select u.id, u.first_name, count(*) filter (where a.is_right) as right_answers, max(a.answered_at) as last_at
                    from public.quiz_polls as p
                    join public.quiz_poll_answers as a on a.bot = p.bot and a.poll_id = p.poll_id
                    join public.users as u on u.id = a.user_id
                   where p.round_id = r.id and u.banned_at is null
                   group by u.id
                   order by right_answers desc, last_at, u.id
                   limit 10
                ) as b
            )
          )
          order by r.closes_at
        ),
        '[]'::jsonb
      )
      from (
        select c.*
          from public.quiz_rounds as c
         where c.summarized_at is null and c.closes_at <= private.clock() - interval '5 seconds'
         order by c.closes_at
         limit p_limit
      ) as r
  );
end
$$;

revoke all on function public.closed_quiz_rounds from public, anon, authenticated, service_role;
grant execute on function public.closed_quiz_rounds to bot_backend;
comment on function public.closed_quiz_rounds is 'Rounds of quiz polls that are closed and not summarized yet';

-- Counts the questions that a user should repeat now, at most 1000.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: bigint
-- Errors: none.
create or replace function private.count_due_cards(p_user_id bigint)
returns bigint
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select count(*)
      from (
        select from public.quiz_cards as c where c.user_id = p_user_id and c.due <= private.clock() limit 1000
      ) as due
  );
end
$$;

revoke all on function private.count_due_cards from public, anon, authenticated, service_role;
comment on function private.count_due_cards is 'Counts the questions that a user should repeat now';

-- Counts an answer of a user: in all, by topic and by day.
--
-- Concurrency: the caller holds the user's row and calls once per answer.
-- Locks: the user's rows of quiz_totals, quiz_topics and quiz_days.
-- Returns: void
-- Errors: none.
create or replace function private.count_quiz_answer(p_user_id bigint, p_bot text, p_topic text, p_is_right boolean)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_right constant integer := p_is_right::integer;
begin
  insert into public.quiz_totals as t (user_id, bot, answers, right_answers) values (p_user_id, p_bot, 1, v_right)
  on conflict (user_id, bot) do update
    set answers = t.answers + 1, right_answers = t.right_answers + v_right;
  insert into public.quiz_topics as t (user_id, bot, topic, answers, right_answers)
  values (p_user_id, p_bot, p_topic, 1, v_right)
  on conflict (user_id, bot, topic) do update
    set answers = t.answers + 1, right_answers = t.right_answers + v_right;
  insert into public.quiz_days as d (user_id, bot, day, answers, right_answers)
  values (p_user_id, p_bot, private.quiz_day(), 1, v_right)
  on conflict (user_id, bot, day) do update
    set answers = d.answers + 1, right_answers = d.right_answers + v_right;
end
$$;

revoke all on function private.count_quiz_answer from public, anon, authenticated, service_role;
comment on function private.count_quiz_answer is 'Counts an answer of a user';

-- Returns the questions that a user should repeat now, the longest overdue first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ text ]
-- Errors: none.
create or replace function public.due_quiz_cards(p_user_id bigint, p_limit integer default 50)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(jsonb_agg(d.question order by d.due, d.question), '[]'::jsonb)
      from (
        select c.question, c.due
          from public.quiz_cards as c
         where c.user_id = p_user_id and c.due <= private.clock()
         order by c.due, c.question
         limit p_limit
      ) as d
  );
end
$$;

revoke all on function public.due_quiz_cards from public, anon, authenticated, service_role;
grant execute on function public.due_quiz_cards to bot_backend;
comment on function public.due_quiz_cards is 'The questions that a user should repeat now';

-- Enqueues the reminders of the day's challenge that are due, at most p_limit, and sets each one's next moment. Left out: users
-- who have started today's challenge, were reminded of it, are banned or blocked the bot; reminders that are three hours late;
-- those of users whose time zone changed, if it is another hour there now.
--
-- Concurrency: a reminder is locked, skipped by other runs, and moved ahead in the transaction that enqueues it.
-- Locks: reminders (FOR UPDATE SKIP LOCKED), by next_at.
-- Returns: jsonb
--   checked: int           (fewer than p_limit: none is left)
--   outgoing: outgoing
-- Errors: none.
create or replace function public.enqueue_quiz_reminders(p_limit integer default 25)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_today constant date := private.quiz_day();
  v_due record;
  v_zone text;
  v_is_sent boolean;
  v_checked integer := 0;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select m.*, u.is_active and u.banned_at is null as is_reachable
      from public.quiz_reminders as m
      join public.users as u on u.id = m.user_id
     where m.next_at <= v_now
     order by m.next_at, m.user_id
     limit p_limit
       for update of m skip locked
  loop
    v_checked := v_checked + 1;
    v_zone := private.quiz_time_zone(v_due.user_id);
    v_is_sent := v_due.is_reachable
      and v_due.next_at > v_now - interval '3 hours'
      and v_due.reminded_on is distinct from v_today
      and (v_zone = v_due.time_zone or extract(hour from v_now at time zone v_zone) = v_due.hour)
      and not exists (
        select
          from public.quiz_runs as r
         where r.user_id = v_due.user_id and r.bot = v_due.bot and r.day = v_today and r.kind = 'daily'
      );
    if v_is_sent then
      v_outgoing := v_outgoing || private.enqueue_user_message(
        v_due.user_id, v_due.bot, 'quiz_reminder', '{}',
        '[[{"key": "quiz_challenge_start", "data": "daily:start"}], [{"key": "quiz_remind_off", "data": "daily:off"}]]'
      );
    end if;
    update public.quiz_reminders as m
       set next_at = private.next_local_hour(m.hour, v_zone, v_now),
           time_zone = v_zone,
           reminded_on = case when v_is_sent then v_today else m.reminded_on end
     where m.user_id = v_due.user_id and m.bot = v_due.bot;
  end loop;
  return jsonb_build_object('checked', v_checked, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.enqueue_quiz_reminders from public, anon, authenticated, service_role;
grant execute on function public.enqueue_quiz_reminders to bot_backend;
comment on function public.enqueue_quiz_reminders is 'Enqueues due reminders of the day''s challenge';

-- Ends a round of quiz polls and enqueues its results for the group.
--
-- p_parameters: of sendMessage; null: end it without results.
--
-- Concurrency: the round is locked; a round that has ended enqueues nothing.
-- Locks: the round (FOR UPDATE).
-- Returns: jsonb
--   outgoing: outgoing
-- Errors: none.
create or replace function public.enqueue_quiz_summary(p_round_id bigint, p_parameters jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_round public.quiz_rounds;
  v_id jsonb;
begin
  update public.quiz_rounds as r
     set summarized_at = private.clock()
   where r.id = p_round_id and r.summarized_at is null
  returning r.* into v_round;
  if not found or p_parameters is null then
    return jsonb_build_object('outgoing', '[]'::jsonb);
  end if;
  p_parameters := p_parameters || jsonb_build_object('chat_id', v_round.chat_id);
  v_id := private.enqueue_calls(
    v_round.bot, null, jsonb_build_array(jsonb_build_object('method', 'sendMessage', 'parameters', p_parameters))
  ) -> 0;
  return jsonb_build_object(
    'outgoing',
    jsonb_build_array(
      jsonb_build_object('bot', v_round.bot, 'id', v_id, 'method', 'sendMessage', 'parameters', p_parameters)
    )
  );
end
$$;

revoke all on function public.enqueue_quiz_summary from public, anon, authenticated, service_role;
grant execute on function public.enqueue_quiz_summary to bot_backend;
comment on function public.enqueue_quiz_summary is 'Ends a round of quiz polls and enqueues its results';

-- Finishes a quiz whose questions are all answered: its score, XP, badges and streak. A quiz that was tapped through, in less
-- than two seconds a question, gives nothing and has no place on the day's board. A challenge has 100 points for each right
-- answer, and one more for each second under 20.
--
-- Concurrency: the caller holds the user's row and the open quiz, and calls once. Awards are idempotent by the quiz's id.
-- Locks: the quiz, the user's row of quiz_totals, then as private.award_xp,
--   public.record_activity and private.award_due_badges.
-- Returns: jsonb
--   questions: int         (without those that were withdrawn)
--   right: int
--   seconds: float
--   is_fast: boolean       (tapped through)
--   xp: int
--   leveled_up: boolean
--   new_level: int
--   total_xp: bigint
--   badges: [ text ]
--   streak: int | null     (days in a row)
-- Errors: none.
create or replace function private.finish_quiz_run(p_run public.quiz_runs)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_result record;
  v_is_fast boolean;
  v_award jsonb;
  v_xp integer := 0;
  v_leveled_up boolean := false;
  v_level integer;
  v_totals public.quiz_totals;
  v_badges jsonb := '[]'::jsonb;
  v_stored jsonb;
  v_points integer;
  v_streak integer;
begin
  select count(*) as questions,
         count(*) filter (where a.is_right) as right_answers,
         coalesce(sum(a.seconds), 0) as seconds,
         coalesce(sum(100 + greatest(20 - floor(a.seconds), 0)) filter (where a.is_right), 0) as score
    into v_result
    from public.quiz_answers as a
   where a.run_id = p_run.id and a.is_right is not null;
  v_is_fast := v_result.seconds < 2 * v_result.questions;
  select u.level into v_level from public.users as u where u.id = p_run.user_id;
  if not v_is_fast and v_result.questions > 0 then
    insert into public.quiz_totals as t (user_id, bot, runs, challenges)
    values (p_run.user_id, p_run.bot, 1, (p_run.kind = 'daily')::integer)
    on conflict (user_id, bot) do update
      set runs = t.runs + 1, challenges = t.challenges + excluded.challenges
    returning t.* into v_totals;
    select r.points * v_result.right_answers into v_points
      from public.xp_rules as r
     where r.rule = 'quiz_right' and r.bot in (p_run.bot, '')
     order by r.bot desc
     limit 1;
    for v_award in
      select private.award_xp(p_run.user_id, p_run.bot, d.rule, d.reference, d.points)
        from (
          values
            ('quiz_right', 'quiz:' || p_run.id, v_points, v_points > 0),
            ('quiz_run', 'quiz:' || p_run.id, null, p_run.kind <> 'daily' and v_result.questions >= 5),
            ('daily_challenge', 'quiz:' || p_run.id, null, p_run.kind = 'daily')
        ) as d (rule, reference, points, is_due)
       where d.is_due
    loop
      v_xp := v_xp + (v_award ->> 'points')::integer;
      v_leveled_up := v_leveled_up or (v_award ->> 'leveled_up')::boolean;
      v_level := (v_award ->> 'new_level')::integer;
    end loop;
    v_streak := (public.record_activity(p_run.user_id, p_run.bot) ->> 'current')::integer;
    v_badges := private.award_due_badges(
      p_run.user_id,
      p_run.bot,
      jsonb_build_object(
        'total_runs', v_totals.runs,
        'total_challenges', v_totals.challenges,
        'total_right', v_totals.right_answers,
        'questions', v_result.questions,
        'right_percent', v_result.right_answers * 100 / v_result.questions
      )
    );
  end if;
  v_stored := jsonb_build_object(
    'questions', v_result.questions, 'right', v_result.right_answers, 'seconds', v_result.seconds::double precision,
    'is_fast', v_is_fast, 'xp', v_xp, 'leveled_up', v_leveled_up, 'new_level', v_level,
    'total_xp', (select u.total_xp from public.users as u where u.id = p_run.user_id), 'badges', v_badges, 'streak', v_streak
  );
  update public.quiz_runs as r
     set status = 'finished',
         finished_at = private.clock(),
         score = case when r.kind = 'daily' and not v_is_fast then v_result.score end,
         result = v_stored
   where r.id = p_run.id;
  return v_stored;
end
$$;

revoke all on function private.finish_quiz_run from public, anon, authenticated, service_role;
comment on function private.finish_quiz_run is 'Finishes a quiz and awards what it gives';

-- Returns the board of a day's challenge, and the user's place on it. The same score is the same rank; within it, who was
-- first. Hidden users count and have a rank, but are left out; banned users and admins have none.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   day: date
--   total: int
--   entries: [ { rank: int, name: text | null, number: int, score: int, right_answers: int, is_me: boolean } ]
--                          (at most p_limit; name: null unless the user chose one; number: tells those without apart)
--   rank: int | null       (null: not on the board)
--   score: int | null
-- Errors: none.
create or replace function public.get_quiz_board(p_user_id bigint, p_bot text, p_day date default null, p_limit integer default 10)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_day constant date := coalesce(p_day, private.quiz_day());
  v_entries jsonb;
  v_score integer;
  v_rank bigint;
  v_total bigint;
begin
  select count(*) into v_total
    from public.quiz_runs as r
    join public.users as u on u.id = r.user_id
   where r.bot = p_bot and r.day = v_day and r.score is not null and u.banned_at is null and not u.is_admin;
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'rank', b.rank, 'name', b.name, 'number', private.board_number(b.user_id), 'score', b.score,
          'right_answers', b.right_answers, 'is_me', b.user_id = p_user_id
        )
        order by b.rank, b.finished_at, b.user_id
      ),
      '[]'::jsonb
    )
    into v_entries
    from (
      select s.*
        from (
          select r.user_id, r.score, r.right_answers, r.finished_at, n.name, coalesce(n.is_hidden, false) as is_hidden,
                 rank() over (order by r.score desc) as rank
            from public.quiz_runs as r
            join public.users as u on u.id = r.user_id
            left join public.board_profiles as n on n.user_id = r.user_id
           where r.bot = p_bot and r.day = v_day and r.score is not null and u.banned_at is null and not u.is_admin
        ) as s
       where not s.is_hidden
       order by s.score desc, s.finished_at, s.user_id
       limit p_limit
    ) as b;
  select r.score into v_score
    from public.quiz_runs as r
    join public.users as u on u.id = r.user_id
   where r.user_id = p_user_id and r.bot = p_bot and r.day = v_day and r.kind = 'daily'
     and u.banned_at is null and not u.is_admin;
  if v_score is not null then
    select count(*) + 1 into v_rank
      from public.quiz_runs as r
      join public.users as u on u.id = r.user_id
     where r.bot = p_bot and r.day = v_day and r.score > v_score and u.banned_at is null and not u.is_admin;
  end if;
  return jsonb_build_object('day', v_day, 'total', v_total, 'entries', v_entries, 'rank', v_rank, 'score', v_score);
end
$$;

revoke all on function public.get_quiz_board from public, anon, authenticated, service_role;
grant execute on function public.get_quiz_board to bot_backend;
comment on function public.get_quiz_board is 'The board of a day''s challenge';

-- Returns a quiz of a user, or the open one that the user saw last, and shows its current question: its time begins when it is
-- shown for the first time.
--
-- p_run_id: null for the open one. p_show: the number of the question that is shown now, if it is the current one.
--
-- Concurrency: of two calls at once, the second finds the question shown.
-- Locks: the quiz (FOR UPDATE) where a question is shown.
-- Returns: jsonb
--   private.quiz_run_state | null
-- Errors: none.
create or replace function public.get_quiz_run(
  p_user_id bigint, p_bot text, p_run_id bigint default null, p_show integer default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run public.quiz_runs;
begin
  select r.* into v_run
    from public.quiz_runs as r
   where r.user_id = p_user_id
     and r.bot = p_bot
     and case when p_run_id is null then r.status = 'open' else r.id = p_run_id end
   order by r.shown_at desc
   limit 1;
  if not found then
    return null;
  end if;
  if p_show is not null then
    update public.quiz_runs as r
       set shown = p_show, shown_at = private.clock()
     where r.id = v_run.id and r.status = 'open' and r.answered = p_show - 1 and r.shown = p_show - 1
    returning r.* into v_run;
    if not found then
      select r.* into v_run from public.quiz_runs as r where r.id = p_run_id;
    end if;
  end if;
  return private.quiz_run_state(v_run);
end
$$;

revoke all on function public.get_quiz_run from public, anon, authenticated, service_role;
grant execute on function public.get_quiz_run to bot_backend;
comment on function public.get_quiz_run is 'Returns a quiz and shows its current question';

-- Returns the next moment at which it is a full hour in a time zone. An hour that the change to summer time skips is the one
-- after it; one that occurs twice is the second.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: timestamptz
-- Errors: none.
create or replace function private.next_local_hour(p_hour integer, p_time_zone text, p_after timestamptz)
returns timestamptz
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_day constant timestamp := date_trunc('day', p_after at time zone p_time_zone);
  v_next timestamptz;
begin
  for v_days in 0 .. 2 loop
    v_next := (v_day + make_interval(days => v_days, hours => p_hour)) at time zone p_time_zone;
    exit when v_next > p_after;
  end loop;
  return v_next;
end
$$;

revoke all on function private.next_local_hour from public, anon, authenticated, service_role;
comment on function private.next_local_hour is 'The next moment at which it is a full hour in a time zone';

-- Returns when a user should see a question again, as FSRS keeps it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { state: int, stability: numeric, difficulty: numeric, due: timestamptz, last_review: timestamptz } | null
-- Errors: none.
create or replace function private.quiz_card(p_user_id bigint, p_question text)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object(
        'state', c.state, 'stability', c.stability::text, 'difficulty', c.difficulty::text, 'due', c.due, 'last_review', c.last_review
      )
      from public.quiz_cards as c
     where c.user_id = p_user_id and c.question = p_question
  );
end
$$;

revoke all on function private.quiz_card from public, anon, authenticated, service_role;
comment on function private.quiz_card is 'When a user should see a question again';

-- Returns the day whose challenge is open, in the zone of the setting quota_timezone.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: date
-- Errors: none.
create or replace function private.quiz_day()
returns date
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (private.clock() at time zone private.setting('quota_timezone'))::date;
end
$$;

revoke all on function private.quiz_day from public, anon, authenticated, service_role;
comment on function private.quiz_day is 'The day whose challenge is open';

-- Returns what a user can do now: continue a quiz, repeat what is due, take the day's challenge.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   day: date
--   open: private.quiz_run_state | null      (the open quiz that is no challenge)
--   challenge: private.quiz_run_state | null (today's)
--   due: int                                 (questions to repeat now, at most 1000)
--   reminder: int | null                     (the hour of the user's day)
-- Errors: none.
create or replace function public.quiz_overview(p_user_id bigint, p_bot text)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_day constant date := private.quiz_day();
  v_open public.quiz_runs;
  v_challenge public.quiz_runs;
begin
  select r.* into v_open
    from public.quiz_runs as r
   where r.user_id = p_user_id and r.bot = p_bot and r.status = 'open' and r.kind <> 'daily';
  select r.* into v_challenge
    from public.quiz_runs as r
   where r.user_id = p_user_id and r.bot = p_bot and r.day = v_day and r.kind = 'daily';
  return jsonb_build_object(
    'day', v_day,
    'open', case when v_open.id is not null then private.quiz_run_state(v_open) end,
    'challenge', case when v_challenge.id is not null then private.quiz_run_state(v_challenge) end,
    'due', private.count_due_cards(p_user_id),
    'reminder', (select m.hour from public.quiz_reminders as m where m.user_id = p_user_id and m.bot = p_bot)
  );
end
$$;

revoke all on function public.quiz_overview from public, anon, authenticated, service_role;
grant execute on function public.quiz_overview to bot_backend;
comment on function public.quiz_overview is 'What a user can do in the quiz now';

-- Returns a quiz as its handlers see it, with what rating its current question needs.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   bot: text
--   kind: 'topic' | 'review' | 'daily'
--   topic: text            (empty: all topics)
--   level: int             (0: all levels)
--   day: date | null       (daily)
--   questions: [ text ]
--   status: 'open' | 'finished' | 'abandoned'
--   answered: int
--   shown: int             (the current question was shown if this is answered + 1)
--   seconds: float         (since the last question was shown)
--   right_answers: int
--   score: int | null
--   result: private.finish_quiz_run | null
--   card: private.quiz_card | null       (of the current question)
--   median_seconds: float | null         (of the user's last answers; null with fewer than five)
--   read_at: timestamptz
--   answers: [ { n: int, choice: [ int ], is_right: boolean | null } ]   (of a finished quiz)
-- Errors: none.
create or replace function private.quiz_run_state(p_run public.quiz_runs)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'id', p_run.id,
    'bot', p_run.bot,
    'kind', p_run.kind,
    'topic', p_run.topic,
    'level', p_run.level,
    'day', p_run.day,
    'questions', to_jsonb(p_run.questions),
    'status', p_run.status,
    'answered', p_run.answered,
    'shown', p_run.shown,
    'seconds', private.seconds_since(p_run.shown_at),
    'right_answers', p_run.right_answers,
    'score', p_run.score,
    'result', p_run.result,
    'card', case when p_run.status = 'open' then private.quiz_card(p_run.user_id, p_run.questions[p_run.answered + 1]) end,
    'median_seconds', case
      when p_run.status = 'open' then (
        select case when count(*) >= 5 then percentile_cont(0.5) within group (order by a.seconds)::double precision end
          from (
            select q.seconds
              from public.quiz_answers as q
             where q.user_id = p_run.user_id and q.is_right is not null
             order by q.answered_at desc
             limit 50
          ) as a
      )
    end,
    'read_at', private.clock(),
    'answers', case
      when p_run.status = 'finished' then (
        select jsonb_agg(jsonb_build_object('n', a.n, 'choice', a.choice, 'is_right', a.is_right) order by a.n)
          from public.quiz_answers as a
         where a.run_id = p_run.id
      )
      else '[]'::jsonb
    end
  );
end
$$;

revoke all on function private.quiz_run_state from public, anon, authenticated, service_role;
comment on function private.quiz_run_state is 'A quiz as its handlers see it';

-- Returns a user's figures in a quiz bot: answers by topic, by day over p_days days, and what is to be repeated.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   runs: int
--   answers: int
--   right_answers: int
--   topics: [ { topic: text, answers: int, right_answers: int } ]   (the most answered first)
--   days: [ { day: date, answers: int, right_answers: int } ]       (each day, today last)
--   cards: int             (questions that are repeated)
--   due: int               (of these now, at most 1000)
--   due_soon: int          (of these within a week, the ones due now left out)
-- Errors: none.
create or replace function public.quiz_statistics(p_user_id bigint, p_bot text, p_days integer default 28)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today constant date := private.quiz_day();
  v_now constant timestamptz := private.clock();
  v_totals public.quiz_totals;
  v_cards record;
begin
  select t.* into v_totals from public.quiz_totals as t where t.user_id = p_user_id and t.bot = p_bot;
  select count(*) as known, count(*) filter (where c.due > v_now and c.due <= v_now + interval '7 days') as soon
    into v_cards
    from public.quiz_cards as c
   where c.user_id = p_user_id;
  return jsonb_build_object(
    'runs', coalesce(v_totals.runs, 0),
    'answers', coalesce(v_totals.answers, 0),
    'right_answers', coalesce(v_totals.right_answers, 0),
    'topics', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object('topic', t.topic, 'answers', t.answers, 'right_answers', t.right_answers)
            order by t.answers desc, t.topic
          ),
          '[]'::jsonb
        )
        from public.quiz_topics as t
       where t.user_id = p_user_id and t.bot = p_bot
    ),
    'days', (
      select jsonb_agg(
          jsonb_build_object(
            'day', s.day::date, 'answers', coalesce(d.answers, 0), 'right_answers', coalesce(d.right_answers, 0)
          )
          order by s.day
        )
        from generate_series(v_today - (p_days - 1), v_today, interval '1 day') as s (day)
        left join public.quiz_days as d on d.user_id = p_user_id and d.bot = p_bot and d.day = s.day::date
    ),
    'cards', v_cards.known,
    'due', private.count_due_cards(p_user_id),
    'due_soon', v_cards.soon
  );
end
$$;

revoke all on function public.quiz_statistics from public, anon, authenticated, service_role;
grant execute on function public.quiz_statistics to bot_backend;
comment on function public.quiz_statistics is 'A user''s figures in a quiz bot';

-- Returns the IANA time zone of a user, or that of the setting quota_timezone.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text
-- Errors: none.
create or replace function private.quiz_time_zone(p_user_id bigint)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(
    (
      select case when s.zone_changes_at <= private.clock() then s.next_time_zone else s.time_zone end
        from public.streaks as s
       where s.user_id = p_user_id
    ),
    private.setting('quota_timezone')
  );
end
$$;

revoke all on function private.quiz_time_zone from public, anon, authenticated, service_role;
comment on function private.quiz_time_zone is 'The time zone of a user';

-- Records a user's answer to a quiz poll, once: the first answer counts. A right one gives XP. Any user who sees a forwarded
-- poll may answer it: the row is created like that of any update, without a session. A message about a new level is enqueued
-- if the user has a private chat with the bot.
--
-- p_telegram_user: as for receive_update. p_choice: empty where the vote was taken back.
--
-- Concurrency: the primary key of quiz_poll_answers lets one answer of a user count, so no update needs to be stored.
-- Locks: as private.upsert_user; user (NO KEY UPDATE), then as private.award_xp.
-- Returns: jsonb
--   outcome: 'counted' | 'known' | 'retracted' | 'banned' | 'unknown'   (unknown: no poll of this bot)
--   outgoing: outgoing
-- Errors: none.
create or replace function public.record_poll_answer(p_bot text, p_poll_id text, p_telegram_user jsonb, p_choice jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_choice constant smallint[] := array(select c.position::smallint from jsonb_array_elements_text(p_choice) as c (position));
  v_poll public.quiz_polls;
  v_user public.users;
  v_is_right boolean;
  v_award jsonb;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select p.* into v_poll from public.quiz_polls as p where p.bot = p_bot and p.poll_id = p_poll_id;
  if not found then
    return jsonb_build_object('outcome', 'unknown', 'outgoing', v_outgoing);
  elsif cardinality(v_choice) = 0 then
    return jsonb_build_object('outcome', 'retracted', 'outgoing', v_outgoing);
  end if;
  v_user := private.upsert_user(p_telegram_user, private.clock());
  if v_user.banned_at is not null and not v_user.is_admin then
    return jsonb_build_object('outcome', 'banned', 'outgoing', v_outgoing);
  end if;
  perform from public.users as u where u.id = v_user.id for no key update;
  v_is_right := v_poll.correct_option_ids @> v_choice and v_choice @> v_poll.correct_option_ids;
  insert into public.quiz_poll_answers (bot, poll_id, user_id, choice, is_right)
  values (p_bot, p_poll_id, v_user.id, v_choice, v_is_right)
  on conflict (bot, poll_id, user_id) do nothing;
  if not found then
    return jsonb_build_object('outcome', 'known', 'outgoing', v_outgoing);
  end if;
  if v_is_right then
    v_award := private.award_xp(v_user.id, p_bot, 'quiz_right', 'poll:' || p_poll_id);
    if (v_award ->> 'leveled_up')::boolean and exists (
      select from public.bot_sessions as s where s.user_id = v_user.id and s.bot = p_bot and s.chat_id = v_user.telegram_id
    ) then
      v_outgoing := private.enqueue_user_message(
        v_user.id, p_bot, 'level_up', jsonb_build_object('level', v_award -> 'new_level', 'xp', v_award -> 'total_xp')
      );
    end if;
  end if;
  return jsonb_build_object('outcome', 'counted', 'outgoing', v_outgoing);
end
$$;

revoke all on function public.record_poll_answer from public, anon, authenticated, service_role;
grant execute on function public.record_poll_answer to bot_backend;
comment on function public.record_poll_answer is 'Records a user''s answer to a quiz poll, once';

-- Stores a quiz poll that was sent to a group, so that its answers can be recorded.
--
-- Concurrency: of two polls for one question of a round, the first is stored; answers to the other one are ignored.
-- Locks: none.
-- Returns: jsonb
--   stored: boolean
-- Errors: none.
create or replace function public.record_quiz_poll(
  p_round_id bigint, p_n integer, p_poll_id text, p_message_id bigint, p_version text, p_right jsonb
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.quiz_polls (bot, poll_id, round_id, n, question, version, correct_option_ids, message_id)
  select r.bot, p_poll_id, r.id, p_n, r.questions[p_n], p_version, array(select c.position::smallint from jsonb_array_elements_text(p_right) as c (position)),
         p_message_id
    from public.quiz_rounds as r
   where r.id = p_round_id
  on conflict do nothing;
  return jsonb_build_object('stored', found);
end
$$;

revoke all on function public.record_quiz_poll from public, anon, authenticated, service_role;
grant execute on function public.record_quiz_poll to bot_backend;
comment on function public.record_quiz_poll is 'Stores a quiz poll that was sent to a group';

-- Stores when a user should see a question again. p_card: as private.quiz_card returns it.
--
-- Concurrency: the caller holds the user's row and calls once per answer.
-- Locks: the card.
-- Returns: void
-- Errors: none.
create or replace function private.save_quiz_card(p_user_id bigint, p_question text, p_card jsonb, p_is_right boolean)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.quiz_cards as c (user_id, question, state, stability, difficulty, due, last_review, lapses)
  values (
    p_user_id, p_question, (p_card ->> 'state')::smallint, (p_card ->> 'stability')::numeric,
    (p_card ->> 'difficulty')::numeric, (p_card ->> 'due')::timestamptz, (p_card ->> 'last_review')::timestamptz,
    (not p_is_right)::integer
  )
  on conflict (user_id, question) do update
    set state = excluded.state,
        stability = excluded.stability,
        difficulty = excluded.difficulty,
        due = excluded.due,
        last_review = excluded.last_review,
        reviews = c.reviews + 1,
        lapses = c.lapses + excluded.lapses;
end
$$;

revoke all on function private.save_quiz_card from public, anon, authenticated, service_role;
comment on function private.save_quiz_card is 'Stores when a user should see a question again';

-- Returns how many seconds ago a moment was, in tenths; 0 if it is not past.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: double precision
-- Errors: none.
create or replace function private.seconds_since(p_moment timestamptz)
returns double precision
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return greatest(round(extract(epoch from private.clock() - p_moment), 1), 0)::double precision;
end
$$;

revoke all on function private.seconds_since from public, anon, authenticated, service_role;
comment on function private.seconds_since is 'How many seconds ago a moment was';

-- Switches the reminder of the day's challenge on, at an hour of the user's day, or off.
--
-- p_hour: 0 to 23; null switches it off.
--
-- Concurrency: the last call counts.
-- Locks: user (KEY SHARE), the reminder.
-- Returns: jsonb
--   hour: int | null
--   next_at: timestamptz | null
--   time_zone: text
-- Errors: Z0004 no such user.
create or replace function public.set_quiz_reminder(p_user_id bigint, p_bot text, p_hour integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_zone text;
  v_next timestamptz;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  v_zone := private.quiz_time_zone(p_user_id);
  if p_hour is null then
    delete from public.quiz_reminders as m where m.user_id = p_user_id and m.bot = p_bot;
  else
    v_next := private.next_local_hour(p_hour, v_zone, private.clock());
    insert into public.quiz_reminders (user_id, bot, hour, time_zone, next_at)
    values (p_user_id, p_bot, p_hour, v_zone, v_next)
    on conflict (user_id, bot) do update
      set hour = excluded.hour, time_zone = excluded.time_zone, next_at = excluded.next_at;
  end if;
  return jsonb_build_object('hour', p_hour, 'next_at', v_next, 'time_zone', v_zone);
end
$$;

revoke all on function public.set_quiz_reminder from public, anon, authenticated, service_role;
grant execute on function public.set_quiz_reminder to bot_backend;
comment on function public.set_quiz_reminder is 'Switches the reminder of the day''s challenge on or off';

-- Starts a quiz and shows its first question. An open quiz is abandoned, but a challenge does not abandon another quiz, nor
-- another quiz a challenge of today.
--
-- p_questions: their ids; of a challenge those that this deployment would ask, which count if the user is the first of the day.
-- p_day: the day of the challenge whose questions they are.
--
-- Concurrency: the user's row is locked. A repeated reference returns the quiz that it started. The first question of the day
--   wins by the primary key of quiz_challenges.
-- Locks: user (NO KEY UPDATE), the user's open quizzes, the day's challenge.
-- Returns: jsonb
--   outcome: 'started' | 'taken' | 'new_day'   (taken: today's challenge was started before; new_day: p_day is over)
--   day: date                                  (today's challenge)
--   run?: private.quiz_run_state               (started, taken)
-- Errors: Z0004 no such user.
create or replace function public.start_quiz_run(
  p_user_id bigint, p_bot text, p_kind text, p_questions jsonb, p_reference text, p_topic text default '',
  p_level integer default 0, p_day date default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_day constant date := private.quiz_day();
  v_now constant timestamptz := private.clock();
  v_questions text[] := array(select jsonb_array_elements_text(p_questions));
  v_run public.quiz_runs;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  select r.* into v_run from public.quiz_runs as r where r.user_id = p_user_id and r.reference = p_reference;
  if found then
    return jsonb_build_object('outcome', 'started', 'day', v_day, 'run', private.quiz_run_state(v_run));
  end if;
  if p_kind = 'daily' then
    select r.* into v_run
      from public.quiz_runs as r
     where r.user_id = p_user_id and r.bot = p_bot and r.day = v_day and r.kind = 'daily';
    if found then
      return jsonb_build_object('outcome', 'taken', 'day', v_day, 'run', private.quiz_run_state(v_run));
    elsif p_day is distinct from v_day then
      return jsonb_build_object('outcome', 'new_day', 'day', v_day);
    end if;
    insert into public.quiz_challenges (bot, day, questions) values (p_bot, v_day, v_questions)
    on conflict (bot, day) do nothing;
    select c.questions into v_questions from public.quiz_challenges as c where c.bot = p_bot and c.day = v_day;
  end if;
  update public.quiz_runs as r
     set status = 'abandoned'
   where r.user_id = p_user_id
     and r.bot = p_bot
     and r.status = 'open'
     and (r.kind = 'daily') = (p_kind = 'daily');
  insert into public.quiz_runs as r (user_id, bot, kind, topic, level, day, questions, reference, shown_at, created_at)
  values (
    p_user_id, p_bot, p_kind, p_topic, p_level, case when p_kind = 'daily' then v_day end, v_questions, p_reference, v_now, v_now
  )
  returning r.* into v_run;
  return jsonb_build_object('outcome', 'started', 'day', v_day, 'run', private.quiz_run_state(v_run));
end
$$;

revoke all on function public.start_quiz_run from public, anon, authenticated, service_role;
grant execute on function public.start_quiz_run to bot_backend;
comment on function public.start_quiz_run is 'Starts a quiz';

-- Completes the first served request of a user: clears `is_newcomer` and gives the XP of the rule
-- first_request, if the bot has one.
--
-- Concurrency: the XP are given once, see private.award_xp.
-- Locks: user (NO KEY UPDATE).
-- Returns: void
-- Errors: none.
create or replace function private.complete_first_request(p_user_id bigint, p_bot text)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.users as u set is_newcomer = false where u.id = p_user_id;
  if found and exists (select from public.xp_rules as x where x.bot in (p_bot, '') and x.rule = 'first_request') then
    perform private.award_xp(p_user_id, p_bot, 'first_request', 'first_request');
  end if;
end
$$;

revoke all on function private.complete_first_request from public, anon, authenticated, service_role;
comment on function private.complete_first_request is 'Completes the first served request of a user';

-- Completes a user's first served request: clears `is_newcomer`, gives XP, settles a pending referral and enqueues a message to
-- the referrer.
--
-- Concurrency: the caller holds the update row. Of two first requests at once the second finds the referral
--   completed. No user is locked before private.settle_referral locks both in the order of their ids.
-- Locks: referrer and user (NO KEY UPDATE) by id, then the referral.
-- Returns: jsonb
--   outbox_item            (null instead of all of it: no referrer, or the referrer is banned)
-- Errors: none.
create or replace function private.on_first_request(p_user_id bigint, p_bot text, p_update_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_referral public.user_referrals;
  v_parameters jsonb;
  v_id bigint;
begin
  if not exists (select from public.users as u where u.id = p_user_id and u.is_newcomer) then
    return null;
  end if;
  select r.* into v_referral
    from public.user_referrals as r
   where r.referred_id = p_user_id and r.status = 'pending';
  if not found or private.settle_referral(p_user_id) <> 'completed' then
    perform private.complete_first_request(p_user_id, p_bot);
    return null;
  end if;
  perform private.complete_first_request(p_user_id, p_bot);
  select jsonb_build_object(
      'chat_id', u.telegram_id,
      'key', 'referral_notice',
      'languages', jsonb_build_array(u.language, u.language_code),
      'values', jsonb_build_object('name', jsonb_build_object('name', n.first_name), 'credits', r.referrer_credits)
    )
    into v_parameters
    from public.user_referrals as r
    join public.users as u on u.id = r.referrer_id
    join public.users as n on n.id = r.referred_id
   where r.id = v_referral.id and u.banned_at is null;
  if not found then  -- the referrer was erased, or is banned and gets no message
    return null;
  end if;
  v_id := (
    private.enqueue_calls(
      p_bot, p_update_id, jsonb_build_array(jsonb_build_object('method', 'template', 'parameters', v_parameters))
    ) ->> 0
  )::bigint;
  return jsonb_build_object('id', v_id, 'method', 'template', 'parameters', v_parameters);
end
$$;

revoke all on function private.on_first_request from public, anon, authenticated, service_role;
comment on function private.on_first_request is 'Completes what follows a user''s first served request';

-- Completes a pending referral: both users get their credits, and the referrer gets XP; or ends it without credits when the referrer has
-- reached the setting referral_daily_limit. If the referrer was erased, the referred user still gets theirs.
--
-- Concurrency: both users are locked in the order of their ids, so two referrals that cross cannot deadlock. The
--   status is read under the lock and changes once.
-- Locks: both users (NO KEY UPDATE) by id, then the referral (FOR UPDATE).
-- Returns: text, completed | already_completed | limit_reached | not_new (the two referred each other, or the
--   referral was erased).
-- Errors: none.
create or replace function private.settle_referral(p_referred_id bigint)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_referral public.user_referrals;
  v_day_begins timestamptz;
  v_timezone text := private.setting('quota_timezone');
  v_today integer;
begin
  select r.* into v_referral from public.user_referrals as r where r.referred_id = p_referred_id;
  perform from public.users as u
    where u.id in (v_referral.referrer_id, p_referred_id)
    order by u.id
      for no key update;
  select r.* into v_referral from public.user_referrals as r where r.referred_id = p_referred_id for update;
  if v_referral.id is null then  -- erased concurrently
    return 'not_new';
  elsif v_referral.status = 'completed' then
    return 'already_completed';
  elsif v_referral.status = 'limit_reached' then
    return 'limit_reached';
  elsif exists (
    select from public.user_referrals as r
     where r.referred_id = v_referral.referrer_id
       and r.referrer_id = p_referred_id
       and r.status = 'completed'
  ) then
    return 'not_new';
  end if;

  v_day_begins := date_trunc('day', v_now at time zone v_timezone) at time zone v_timezone;
  select count(*) into v_today
    from public.user_referrals as r
   where r.referrer_id = v_referral.referrer_id
     and r.status = 'completed'
     and r.completed_at >= v_day_begins;
  if v_today >= private.setting('referral_daily_limit')::integer then
    update public.user_referrals as r
       set status = 'limit_reached', completed_at = v_now
     where r.id = v_referral.id;
    return 'limit_reached';
  end if;

  update public.user_referrals as r
     set status = 'completed',
         completed_at = v_now,
         referrer_credits = case
           when r.referrer_id is null then 0
           else private.setting('referral_referrer_credits')::integer
         end,
         referred_credits = private.setting('referral_referred_credits')::integer
   where r.id = v_referral.id
  returning r.* into v_referral;
  update public.users as u
     set bonus_credits = u.bonus_credits + v_referral.referrer_credits,
         referral_credits = u.referral_credits + v_referral.referrer_credits,
         total_referrals = u.total_referrals + 1
   where u.id = v_referral.referrer_id;
  update public.users as u
     set bonus_credits = u.bonus_credits + v_referral.referred_credits
   where u.id = p_referred_id;
  perform private.award_xp(v_referral.referrer_id, '', 'referral_completed', 'referral:' || v_referral.id)
    from public.xp_rules as x
   where x.bot = '' and x.rule = 'referral_completed' and v_referral.referrer_id is not null;
  return 'completed';
end
$$;

revoke all on function private.settle_referral from public, anon, authenticated, service_role;
comment on function private.settle_referral is 'Completes a pending referral';

-- Adds the tasks of an assignment for one member: a row for each round whose deadline is ahead. A round opens with the end
-- of the one before.
--
-- Concurrency: rows that exist stay as they are.
-- Locks: none.
-- Returns: integer, how many were added.
-- Errors: none.
create or replace function private.add_tasks(p_assignment public.assignments, p_user_id bigint)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  insert into public.assignment_tasks (assignment_id, team_id, user_id, number, opens_at, due_on, due_at)
  select p_assignment.id, p_assignment.team_id, p_user_id, r.number,
    case r.number
      when 1 then p_assignment.created_at
      else (p_assignment.first_due_on + 7 * (r.number - 2) + 1)::timestamp at time zone t.time_zone
    end,
    r.due_on, (r.due_on + 1)::timestamp at time zone t.time_zone
    from public.teams as t
    cross join lateral (
      select n.number, p_assignment.first_due_on + 7 * (n.number - 1) as due_on
        from generate_series(1, p_assignment.repetitions) as n (number)
    ) as r
   where t.id = p_assignment.team_id
     and (r.due_on + 1)::timestamp at time zone t.time_zone > private.clock()
  on conflict (assignment_id, user_id, number) do nothing;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

revoke all on function private.add_tasks from public, anon, authenticated, service_role;
comment on function private.add_tasks is 'Adds the tasks of an assignment for one member';

-- Notifies members of tasks that have opened, each once.
--
-- p_assignment_id: of this assignment only; null: of all.
--
-- Concurrency: tasks that another transaction has locked and users who are being erased are skipped.
-- Locks: tasks by opens_at (FOR UPDATE SKIP LOCKED), each followed by its user (KEY SHARE SKIP LOCKED).
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.announce_tasks(p_assignment_id bigint, p_limit integer)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_task record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_task in
    select k.id, k.user_id, k.number, k.due_on, a.mode, a.repetitions, t.name, t.bot
      from public.assignment_tasks as k
      join public.assignments as a on a.id = k.assignment_id
      join public.teams as t on t.id = k.team_id
     where k.announced_at is null
       and k.opens_at <= v_now
       and k.due_at > v_now
       and k.done_at is null
       and a.canceled_at is null
       and (p_assignment_id is null or k.assignment_id = p_assignment_id)
     order by k.opens_at, k.id
     limit p_limit
       for update of k skip locked
  loop
    perform from public.users as u where u.id = v_task.user_id for key share skip locked;
    continue when not found;
    update public.assignment_tasks as k
       set announced_at = v_now,
           -- A task that opens less than a day before its deadline needs no reminder.
           reminded_at = case when k.due_at <= v_now + interval '1 day' then v_now end
     where k.id = v_task.id;
    v_outgoing := v_outgoing || private.task_message(v_task.id, 'team_assigned_' || v_task.mode);
  end loop;
  return v_outgoing;
end
$$;

revoke all on function private.announce_tasks from public, anon, authenticated, service_role;
comment on function private.announce_tasks is 'Notifies members of tasks that have opened, each once';

-- Cancels an assignment of a team: it is no longer asked of the members. Results stay. For managers.
--
-- Concurrency: the team is locked; canceling twice is canceling once.
-- Locks: team.
-- Returns: jsonb
--   outcome: 'canceled' | 'none'
-- Errors: none.
create or replace function public.cancel_assignment(p_user_id bigint, p_team_id bigint, p_assignment_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if private.team_role(p_user_id, p_team_id) is distinct from 'manager' then
    return jsonb_build_object('outcome', 'none');
  end if;
  update public.assignments as a
     set canceled_at = coalesce(a.canceled_at, private.clock())
   where a.id = p_assignment_id and a.team_id = p_team_id;
  return jsonb_build_object('outcome', case when found then 'canceled' else 'none' end);
end
$$;

revoke all on function public.cancel_assignment from public, anon, authenticated, service_role;
grant execute on function public.cancel_assignment to bot_backend;
comment on function public.cancel_assignment is 'Cancels an assignment of a team';

-- Counts a finished training with a score for the task it was played for: the first one completes the task, and the best
-- score is kept. Repeating it counts nothing twice.
--
-- Concurrency: the caller holds the training; the task's row serializes trainings of one task.
-- Locks: task.
-- Returns: void
-- Errors: none.
create or replace function private.count_for_task(p_training public.trainings)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.assignment_tasks as k
     set done_at = coalesce(k.done_at, p_training.finished_at),
         best_score = b.score,
         is_passed = b.is_passed
    from public.assignment_trainings as r
    cross join lateral (
      select max((t.result ->> 'score')::integer) as score, bool_or(private.is_passed(t)) as is_passed
        from public.assignment_trainings as o
        join public.trainings as t on t.id = o.training_id
       where o.task_id = r.task_id and t.status = 'finished' and (t.result ->> 'is_scored')::boolean
    ) as b
   where r.training_id = p_training.id and k.id = r.task_id;
$$;

revoke all on function private.count_for_task from public, anon, authenticated, service_role;
comment on function private.count_for_task is 'Counts a finished training with a score for the task it was played for';

-- Assigns a training to all members of a team, in one or several weekly rounds, and announces the first round. For managers.
--
-- p_case: null: any of the scenario. p_due_on: the first deadline, a day of the team's time zone that is not over.
--
-- Concurrency: the manager is locked before the team, as an erasure does. The team is locked; a known reference assigns
--   nothing. Members who are being erased are skipped.
-- Locks: manager (KEY SHARE), team, members (KEY SHARE SKIP LOCKED), then as private.announce_tasks.
-- Returns: jsonb
--   outcome: 'created' | 'known' | 'none' | 'limit' | 'past' | 'empty'    (empty: the team has only managers)
--   assignment?: private.assignment_card    (created, known)
--   members?: int                           (created)
--   most?: int                              (limit)
--   outgoing?: outgoing                     (created: to deliver now)
-- Errors: none.
create or replace function public.create_assignment(
  p_user_id bigint, p_team_id bigint, p_scenario text, p_case text, p_mode text, p_difficulty text, p_due_on date,
  p_repetitions integer, p_reference text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_team public.teams;
  v_assignment public.assignments;
  v_most integer := private.setting('team_max_assignments')::integer;
  v_count integer;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if private.team_role(p_user_id, p_team_id) is distinct from 'manager' then
    return jsonb_build_object('outcome', 'none');
  end if;
  select a.* into v_assignment from public.assignments as a where a.reference = p_reference;
  if found then
    return jsonb_build_object('outcome', 'known', 'assignment', private.assignment_card(v_assignment));
  end if;
  select t.* into v_team from public.teams as t where t.id = p_team_id;
  if p_due_on < (v_now at time zone v_team.time_zone)::date then
    return jsonb_build_object('outcome', 'past');
  elsif v_most <= (
    select count(*)
      from public.assignments as a
     where a.team_id = p_team_id
       -- One that was canceled today has sent its messages, too.
       and (a.canceled_at is null or a.created_at > v_now - interval '1 day')
       and a.first_due_on + 7 * (a.repetitions - 1) >= (v_now at time zone v_team.time_zone)::date
  ) then
    return jsonb_build_object('outcome', 'limit', 'most', v_most);
  elsif not exists (select from public.team_members as m where m.team_id = p_team_id and m.role = 'member') then
    return jsonb_build_object('outcome', 'empty');
  end if;
  insert into public.assignments as a (
    team_id, created_by, scenario, case_id, mode, difficulty, first_due_on, repetitions, reference, created_at
  )
  values (
    p_team_id, p_user_id, p_scenario, p_case, p_mode, p_difficulty, p_due_on, p_repetitions, p_reference, v_now
  )
  returning a.* into v_assignment;
  with present as materialized (
    -- An erasure locks its user before the teams, so it is not waited for.
    select m.user_id
      from public.team_members as m
      join public.users as u on u.id = m.user_id
     where m.team_id = p_team_id and m.role = 'member'
     order by m.user_id
       for key share of u skip locked
  )
  select count(private.add_tasks(v_assignment, p.user_id)) into v_count from present as p;
  return jsonb_build_object(
    'outcome', 'created',
    'assignment', private.assignment_card(v_assignment),
    'members', v_count,
    'outgoing', private.announce_tasks(v_assignment.id, 200)
  );
end
$$;

revoke all on function public.create_assignment from public, anon, authenticated, service_role;
grant execute on function public.create_assignment to bot_backend;
comment on function public.create_assignment is 'Assigns a training to all members of a team, in one or several weekly rounds, and announces the first round';

-- Creates a team with its creator as manager. Its time zone is that of the limits (quota_timezone).
--
-- Concurrency: the user's row is locked, so the limit of teams holds; a known reference returns its team.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   outcome: 'created' | 'limit'
--   team?: private.team_card    (created)
--   most?: int                  (limit)
-- Errors: V0001 no such user; V0002 the name is invalid.
create or replace function public.create_team(p_user_id bigint, p_bot text, p_name text, p_reference text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_team public.teams;
  v_most integer := private.setting('team_max_teams')::integer;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'V0001';
  elsif length(coalesce(p_name, '')) not between 1 and 60 then
    raise exception 'the name of a team has 1 to 60 characters' using errcode = 'V0002';
  end if;
  select t.* into v_team from public.teams as t where t.reference = p_reference;
  if found then
    return jsonb_build_object('outcome', 'created', 'team', private.team_card(v_team, 'manager'));
  elsif private.team_count(p_user_id, p_bot) >= v_most then
    return jsonb_build_object('outcome', 'limit', 'most', v_most);
  end if;
  insert into public.teams as t (bot, name, time_zone, reference)
  values (p_bot, p_name, private.setting('quota_timezone'), p_reference)
  returning t.* into v_team;
  insert into public.team_members (team_id, user_id, role) values (v_team.id, p_user_id, 'manager');
  return jsonb_build_object('outcome', 'created', 'team', private.team_card(v_team, 'manager'));
end
$$;

revoke all on function public.create_team from public, anon, authenticated, service_role;
grant execute on function public.create_team to bot_backend;
comment on function public.create_team is 'Creates a team with its creator as manager';

-- Notifies members of tasks that have opened, and reminds them a day before the deadline of a task that is not done.
--
-- Concurrency: tasks that another transaction has locked and users who are being erased are skipped. What was sent is stored
--   with the task, so it is sent once.
-- Locks: tasks (FOR UPDATE SKIP LOCKED), each followed by its user (KEY SHARE SKIP LOCKED).
-- Returns: jsonb
--   outgoing
-- Errors: none.
create or replace function public.enqueue_task_messages(p_limit integer default 200)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_task record;
  v_outgoing jsonb := private.announce_tasks(null, p_limit);
begin
  for v_task in
    select k.id, k.user_id
      from public.assignment_tasks as k
      join public.assignments as a on a.id = k.assignment_id
     where k.reminded_at is null
       and k.announced_at is not null
       and k.done_at is null
       and k.due_at > v_now
       and k.due_at <= v_now + interval '1 day'
       and a.canceled_at is null
     order by k.due_at, k.id
     limit p_limit
       for update of k skip locked
  loop
    perform from public.users as u where u.id = v_task.user_id for key share skip locked;
    continue when not found;
    update public.assignment_tasks as k set reminded_at = v_now where k.id = v_task.id;
    v_outgoing := v_outgoing || private.task_message(v_task.id, 'team_reminder');
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.enqueue_task_messages from public, anon, authenticated, service_role;
grant execute on function public.enqueue_task_messages to bot_backend;
comment on function public.enqueue_task_messages is 'Notifies members of tasks that have opened, and reminds them a day before the deadline of a task that is not done';

-- Returns a certificate by its number, as long as the exam counts as passed. Everyone with the number may see it: it is
-- unguessable and stands on the certificate.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { number: text, name: text, scenario: text, score: int, passed_at: timestamptz } | null
-- Errors: none.
create or replace function public.find_certificate(p_number text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'number', c.number, 'name', c.name, 'scenario', t.scenario, 'score', (t.result ->> 'score')::integer,
      'passed_at', t.finished_at
    )
    from public.certificates as c
    join public.trainings as t on t.id = c.training_id
   where c.number = p_number and private.is_passed(t);
$$;

revoke all on function public.find_certificate from public, anon, authenticated, service_role;
grant execute on function public.find_certificate to bot_backend;
comment on function public.find_certificate is 'Returns a certificate by its number, as long as the exam counts as passed';

-- Returns the team of an invite link, for the user who opened it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { id: bigint, name: text, managers: [ text ], is_member: boolean } | null
-- Errors: none.
create or replace function public.find_invited_team(p_user_id bigint, p_bot text, p_code text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'id', t.id,
      'name', t.name,
      'managers', private.team_card(t, 'member') -> 'managers',
      'is_member', exists (
        select from public.team_members as m where m.team_id = t.id and m.user_id = p_user_id
      )
    )
    from public.teams as t
   where t.code = p_code and t.bot = p_bot;
$$;

revoke all on function public.find_invited_team from public, anon, authenticated, service_role;
grant execute on function public.find_invited_team to bot_backend;
comment on function public.find_invited_team is 'Returns the team of an invite link, for the user who opened it';

-- Returns a task to its member.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     task: private.task_card,
--     state: 'open' | 'closed',          (closed: not open yet, or canceled)
--     recent_cases: [ text ]             (of its scenario, the last five that the member played)
--   } | null
-- Errors: none.
create or replace function public.get_task(p_user_id bigint, p_task_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'task', private.task_card(k),
      'state', case when k.opens_at <= private.clock() and a.canceled_at is null then 'open' else 'closed' end,
      'recent_cases', (
        select coalesce(jsonb_agg(r.case_id order by r.id desc), '[]')
          from (
            select t.id, t.case_id
              from public.trainings as t
             where t.user_id = p_user_id and t.scenario = a.scenario
             order by t.id desc
             limit 5
          ) as r
      )
    )
    from public.assignment_tasks as k
    join public.assignments as a on a.id = k.assignment_id
   where k.id = p_task_id and k.user_id = p_user_id;
$$;

revoke all on function public.get_task from public, anon, authenticated, service_role;
grant execute on function public.get_task to bot_backend;
comment on function public.get_task is 'Returns a task to its member';

-- Returns a team to one of its members; the other members and the assignments to a manager only.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     team: private.team_card,
--     members: [ { id: bigint, name: text, role: 'manager' | 'member', joined_at: timestamptz } ],
--     assignments: [ { card: private.assignment_card, done: int, open: int, overdue: int } ]   (newest first, none canceled)
--   } | null
-- Errors: none.
create or replace function public.get_team(p_user_id bigint, p_team_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'team', private.team_card(t, o.role),
      'members', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'id', m.user_id, 'name', concat_ws(' ', u.first_name, u.last_name), 'role', m.role,
                'joined_at', m.joined_at
              )
              order by m.role, m.joined_at, m.user_id
            ),
            '[]'
          )
          from public.team_members as m
          join public.users as u on u.id = m.user_id
         where m.team_id = t.id and o.role = 'manager'
      ),
      'assignments', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'card', private.assignment_card(a), 'done', k.done, 'open', k.open, 'overdue', k.overdue
              )
              order by a.id desc
            ),
            '[]'
          )
          from public.assignments as a
          cross join lateral (
            select count(*) filter (where c.done_at is not null) as done,
              count(*) filter (where c.done_at is null and c.due_at > private.clock()) as open,
              count(*) filter (where c.done_at is null and c.due_at <= private.clock()) as overdue
              from public.assignment_tasks as c
             where c.assignment_id = a.id
          ) as k
         where a.team_id = t.id and a.canceled_at is null and o.role = 'manager'
      )
    )
    from public.teams as t
    join public.team_members as o on o.team_id = t.id and o.user_id = p_user_id
   where t.id = p_team_id;
$$;

revoke all on function public.get_team from public, anon, authenticated, service_role;
grant execute on function public.get_team to bot_backend;
comment on function public.get_team is 'Returns a team to one of its members; the other members and the assignments to a manager only';

-- Returns whether a team has no other manager than a user.
--
-- Concurrency: read-only; the caller has locked the team.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_last_manager(p_user_id bigint, p_team_id bigint)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select not exists (
    select from public.team_members as m
     where m.team_id = p_team_id and m.user_id <> p_user_id and m.role = 'manager'
  );
$$;

revoke all on function private.is_last_manager from public, anon, authenticated, service_role;
comment on function private.is_last_manager is 'Returns whether a team has no other manager than a user';

-- Issues the certificate of a passed exam, once; it carries the name that the user has in Telegram at that moment.
--
-- Concurrency: user and training are locked in the order of an erasure; a certificate that exists is returned again.
-- Locks: user (KEY SHARE), training.
-- Returns: jsonb
--   { number: text, name: text, scenario: text, score: int, passed_at: timestamptz } | null    (null: not passed)
-- Errors: none.
create or replace function public.issue_certificate(p_user_id bigint, p_training_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_training public.trainings;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id
     for update;
  if not coalesce(private.is_passed(v_training), false) then
    return null;
  end if;
  insert into public.certificates (training_id, user_id, name)
  select v_training.id, u.id, concat_ws(' ', u.first_name, u.last_name) from public.users as u where u.id = p_user_id
  on conflict (training_id) do nothing;
  return public.find_certificate(
    (select c.number from public.certificates as c where c.training_id = v_training.id)
  );
end
$$;

revoke all on function public.issue_certificate from public, anon, authenticated, service_role;
grant execute on function public.issue_certificate to bot_backend;
comment on function public.issue_certificate is 'Issues the certificate of a passed exam, once; it carries the name that the user has in Telegram at that moment';

-- Makes a user a member of the team with this code, and gives them the rounds of its assignments whose deadline is ahead.
-- The managers are notified.
--
-- Concurrency: user and team are locked: two taps join once, and the limits of members and teams hold.
-- Locks: user (NO KEY UPDATE), team.
-- Returns: jsonb
--   outcome: 'joined' | 'known' | 'full' | 'limit' | 'none'   (known: a member already; none: the code is not valid any more)
--   team?: private.team_card                                  (joined, known)
--   most?: int                                                (limit)
--   outgoing?: outgoing                                       (joined: to deliver now)
-- Errors: V0001 no such user.
create or replace function public.join_team(p_user_id bigint, p_bot text, p_code text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_team public.teams;
  v_role text;
  v_manager record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'V0001';
  end if;
  select t.* into v_team from public.teams as t where t.code = p_code and t.bot = p_bot for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  select m.role into v_role from public.team_members as m where m.team_id = v_team.id and m.user_id = p_user_id;
  if found then
    return jsonb_build_object('outcome', 'known', 'team', private.team_card(v_team, v_role));
  elsif private.setting('team_max_members')::integer
    <= (select count(*) from public.team_members as m where m.team_id = v_team.id)
  then
    return jsonb_build_object('outcome', 'full');
  elsif private.team_count(p_user_id, p_bot) >= private.setting('team_max_teams')::integer then
    return jsonb_build_object('outcome', 'limit', 'most', private.setting('team_max_teams')::integer);
  end if;
  insert into public.team_members (team_id, user_id, role) values (v_team.id, p_user_id, 'member');
  perform private.add_tasks(a, p_user_id)
    from public.assignments as a
   where a.team_id = v_team.id and a.canceled_at is null;
  for v_manager in
    select m.user_id from public.team_members as m where m.team_id = v_team.id and m.role = 'manager' order by m.user_id
  loop
    v_outgoing := v_outgoing || private.enqueue_user_message(
      v_manager.user_id, p_bot, 'team_joined_notice',
      jsonb_build_object(
        'name', jsonb_build_object('name', concat_ws(' ', v_user.first_name, v_user.last_name)),
        'team', jsonb_build_object('name', v_team.name)
      )
    );
  end loop;
  return jsonb_build_object('outcome', 'joined', 'team', private.team_card(v_team, 'member'), 'outgoing', v_outgoing);
end
$$;

revoke all on function public.join_team from public, anon, authenticated, service_role;
grant execute on function public.join_team to bot_backend;
comment on function public.join_team is 'Makes a user a member of the team with this code, and gives them the rounds of its assignments whose deadline is ahead';

-- Ends a user's membership, with all that was assigned to them in the team. The only manager of a team with other members
-- stays until there is another one; with its last member the team ends.
--
-- Concurrency: the team is locked: of two managers who leave at once one stays.
-- Locks: team.
-- Returns: jsonb
--   outcome: 'left' | 'ended' | 'last_manager' | 'none'    (ended: the team is deleted)
-- Errors: none.
create or replace function public.leave_team(p_user_id bigint, p_team_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_role text := private.team_role(p_user_id, p_team_id);
begin
  if v_role is null then
    return jsonb_build_object('outcome', 'none');
  elsif not exists (
    select from public.team_members as m where m.team_id = p_team_id and m.user_id <> p_user_id
  ) then
    delete from public.teams as t where t.id = p_team_id;
    return jsonb_build_object('outcome', 'ended');
  elsif v_role = 'manager' and private.is_last_manager(p_user_id, p_team_id) then
    return jsonb_build_object('outcome', 'last_manager');
  end if;
  delete from public.team_members as m where m.team_id = p_team_id and m.user_id = p_user_id;
  return jsonb_build_object('outcome', 'left');
end
$$;

revoke all on function public.leave_team from public, anon, authenticated, service_role;
grant execute on function public.leave_team to bot_backend;
comment on function public.leave_team is 'Ends a user''s membership, with all that was assigned to them in the team';

-- Notes that a training is played for a task of its user, if it is what the task asks for.
--
-- Concurrency: the caller has locked the user; a training belongs to one task.
-- Locks: training.
-- Returns: void
-- Errors: none.
create or replace function private.link_training_to_task(p_training public.trainings, p_task_id bigint)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with linked as (
    insert into public.assignment_trainings as r (training_id, task_id)
    select p_training.id, k.id
      from public.assignment_tasks as k
      join public.assignments as a on a.id = k.assignment_id
     where k.id = p_task_id
       and k.user_id = p_training.user_id
       and k.opens_at <= private.clock()
       and a.canceled_at is null
       and (a.scenario, a.mode, a.difficulty) = (p_training.scenario, p_training.mode, p_training.difficulty)
    on conflict (training_id) do nothing
    returning r.task_id
  )
  update public.trainings as t
     set assigned_round = concat(k.assignment_id, ':', k.number)
    from linked as l
    join public.assignment_tasks as k on k.id = l.task_id
   where t.id = p_training.id;
$$;

revoke all on function private.link_training_to_task from public, anon, authenticated, service_role;
comment on function private.link_training_to_task is 'Notes that a training is played for a task of its user, if it is what the task asks for';

-- Returns a member's results in what was assigned to them in a team.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, the keys tasks, trainings and points of public.team_report.
-- Errors: none.
create or replace function private.member_results(p_team_id bigint, p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with played as (
    select n.id, n.scenario, n.finished_at, (n.result ->> 'score')::integer as score, n.clarity_level
      from public.assignment_tasks as k
      join public.assignment_trainings as r on r.task_id = k.id
      join public.trainings as n on n.id = r.training_id
     where k.team_id = p_team_id
       and k.user_id = p_user_id
       and n.status = 'finished'
       and (n.result ->> 'is_scored')::boolean
  )
  select jsonb_build_object(
    'tasks', (
      select coalesce(jsonb_agg(private.task_card(k) order by k.due_at, k.id), '[]')
        from public.assignment_tasks as k
        join public.assignments as a on a.id = k.assignment_id
       where k.team_id = p_team_id
         and k.user_id = p_user_id
         and k.opens_at <= private.clock()
         and (a.canceled_at is null or k.done_at is not null)
    ),
    'trainings', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'date', p.finished_at, 'scenario', p.scenario, 'score', p.score, 'clarity', p.clarity_level
            )
            order by p.finished_at, p.id
          ),
          '[]'
        )
        from played as p
    ),
    'points', (
      select coalesce(jsonb_object_agg(s.scenario, s.points), '{}')
        from (
          select y.scenario, jsonb_object_agg(y.type, y.points) as points
            from (
              select p.scenario, r.type, sum(r.points) as points
                from played as p
                join public.training_turns as r on r.training_id = p.id
               where r.why in ('counted', 'capped')
               group by p.scenario, r.type
            ) as y
           group by y.scenario
        ) as s
    )
  );
$$;

revoke all on function private.member_results from public, anon, authenticated, service_role;
comment on function private.member_results is 'Returns a member''s results in what was assigned to them in a team';

-- Returns the teams of a user and what is assigned to them now.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   teams: [ private.team_card ]
--   tasks: [ private.task_card ]    (open and overdue ones, the next deadline first)
-- Errors: none.
create or replace function public.my_teams(p_user_id bigint, p_bot text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'teams', (
      select coalesce(jsonb_agg(private.team_card(t, m.role) order by t.id), '[]')
        from public.team_members as m
        join public.teams as t on t.id = m.team_id
       where m.user_id = p_user_id and t.bot = p_bot
    ),
    'tasks', (
      select coalesce(jsonb_agg(private.task_card(k) order by k.due_at, k.id), '[]')
        from public.assignment_tasks as k
        join public.assignments as a on a.id = k.assignment_id
        join public.teams as t on t.id = a.team_id
       where k.user_id = p_user_id
         and t.bot = p_bot
         and k.done_at is null
         and k.opens_at <= private.clock()
         and a.canceled_at is null
    )
  );
$$;

revoke all on function public.my_teams from public, anon, authenticated, service_role;
grant execute on function public.my_teams to bot_backend;
comment on function public.my_teams is 'Returns the teams of a user and what is assigned to them now';

-- Removes a member of a team, with all that was assigned to them in it; the member is notified. For managers.
--
-- Concurrency: the team is locked: two managers at once remove a member once, and never each other, so that the team keeps
--   a manager.
-- Locks: team.
-- Returns: jsonb
--   outcome: 'removed' | 'none'    (none: the user is no manager, or the other one no other member of the team)
--   outgoing?: outgoing            (removed: to deliver now)
-- Errors: none.
create or replace function public.remove_team_member(p_user_id bigint, p_team_id bigint, p_member_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_team public.teams;
begin
  if private.team_role(p_user_id, p_team_id) is distinct from 'manager' or p_member_id = p_user_id then
    return jsonb_build_object('outcome', 'none');
  end if;
  delete from public.team_members as m where m.team_id = p_team_id and m.user_id = p_member_id;
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  select t.* into v_team from public.teams as t where t.id = p_team_id;
  return jsonb_build_object(
    'outcome', 'removed',
    'outgoing', private.enqueue_user_message(
      p_member_id, v_team.bot, 'team_removed_notice',
      jsonb_build_object('team', jsonb_build_object('name', v_team.name))
    )
  );
end
$$;

revoke all on function public.remove_team_member from public, anon, authenticated, service_role;
grant execute on function public.remove_team_member to bot_backend;
comment on function public.remove_team_member is 'Removes a member of a team, with all that was assigned to them in it; the member is notified';

-- Makes a member of a team a manager, or a manager a member. For managers.
--
-- Concurrency: the team is locked: of two managers who step down at once one stays.
-- Locks: team.
-- Returns: jsonb
--   outcome: 'changed' | 'last_manager' | 'none'    (changed: also where the role was this one already)
--   outgoing?: outgoing                             (a new manager is notified)
-- Errors: none.
create or replace function public.set_team_role(p_user_id bigint, p_team_id bigint, p_member_id bigint, p_role text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_team public.teams;
begin
  if private.team_role(p_user_id, p_team_id) is distinct from 'manager' then
    return jsonb_build_object('outcome', 'none');
  elsif p_role = 'member' and private.is_last_manager(p_member_id, p_team_id) then
    return jsonb_build_object('outcome', 'last_manager');
  end if;
  update public.team_members as m
     set role = p_role
   where m.team_id = p_team_id and m.user_id = p_member_id and m.role <> p_role;
  if not found then
    return jsonb_build_object(
      'outcome', case
        when exists (select from public.team_members as m where m.team_id = p_team_id and m.user_id = p_member_id)
          then 'changed'
        else 'none'
      end
    );
  end if;
  select t.* into v_team from public.teams as t where t.id = p_team_id;
  return jsonb_build_object('outcome', 'changed') || case
    when p_role = 'manager' and p_member_id <> p_user_id then jsonb_build_object(
      'outgoing', private.enqueue_user_message(
        p_member_id, v_team.bot, 'team_manager_notice',
        jsonb_build_object('team', jsonb_build_object('name', v_team.name)),
        jsonb_build_array(
          jsonb_build_array(jsonb_build_object('key', 'team_open_button', 'data', 'team:' || v_team.id))
        )
      )
    )
    else '{}'::jsonb
  end;
end
$$;

revoke all on function public.set_team_role from public, anon, authenticated, service_role;
grant execute on function public.set_team_role to bot_backend;
comment on function public.set_team_role is 'Makes a member of a team a manager, or a manager a member';

-- Enqueues a message about a task for its member, with a button that starts it.
--
-- Concurrency: every call enqueues one message; the caller calls once per event.
-- Locks: none.
-- Returns: jsonb, the message to deliver now (outgoing).
-- Errors: none.
create or replace function private.task_message(p_task_id bigint, p_key text)
returns jsonb
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select private.enqueue_user_message(
      k.user_id, t.bot, p_key,
      jsonb_build_object(
        'team', jsonb_build_object('name', t.name),
        'number', k.number,
        'rounds', a.repetitions,
        -- The day as such, whatever time zone it is shown in.
        'until', jsonb_build_object('date', (k.due_on + time '12:00') at time zone private.setting('quota_timezone'))
      ),
      jsonb_build_array(jsonb_build_array(jsonb_build_object('key', 'team_start_button', 'data', 'task:' || k.id)))
    )
    from public.assignment_tasks as k
    join public.assignments as a on a.id = k.assignment_id
    join public.teams as t on t.id = k.team_id
   where k.id = p_task_id;
$$;

revoke all on function private.task_message from public, anon, authenticated, service_role;
comment on function private.task_message is 'Enqueues a message about a task for its member, with a button that starts it';

-- Returns how many teams of a bot a user belongs to.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: integer
-- Errors: none.
create or replace function private.team_count(p_user_id bigint, p_bot text)
returns integer
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select count(*)::integer
    from public.team_members as m
    join public.teams as t on t.id = m.team_id
   where m.user_id = p_user_id and t.bot = p_bot;
$$;

revoke all on function private.team_count from public, anon, authenticated, service_role;
comment on function private.team_count is 'Returns how many teams of a bot a user belongs to';

-- Returns the results of a team's members in what was assigned to them: no conversations, and no other trainings. For
-- managers.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     team: private.team_card,
--     members: [ {
--       id: bigint, name: text, role: 'manager' | 'member',
--       tasks: [ private.task_card ],                              (that have opened, oldest first)
--       trainings: [ { date: timestamptz, scenario: text, score: int, clarity: int } ],   (finished ones, oldest first)
--       points: { [text]: { [text]: int } }                        (by scenario and type, over those trainings)
--     } ]
--   } | null
-- Errors: none.
create or replace function public.team_report(p_user_id bigint, p_team_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'team', private.team_card(t, o.role),
      'members', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'id', m.user_id, 'name', concat_ws(' ', u.first_name, u.last_name), 'role', m.role
              ) || private.member_results(t.id, m.user_id)
              order by lower(u.first_name), m.user_id
            ),
            '[]'
          )
          from public.team_members as m
          join public.users as u on u.id = m.user_id
         where m.team_id = t.id
      )
    )
    from public.teams as t
    join public.team_members as o on o.team_id = t.id and o.user_id = p_user_id and o.role = 'manager'
   where t.id = p_team_id;
$$;

revoke all on function public.team_report from public, anon, authenticated, service_role;
grant execute on function public.team_report to bot_backend;
comment on function public.team_report is 'Returns the results of a team''s members in what was assigned to them';

-- Returns a user's role in a team and locks the team, so that its members and assignments do not change meanwhile.
--
-- Concurrency: of two changes of one team the second waits, and sees what the first has changed.
-- Locks: team (FOR UPDATE).
-- Returns: text, manager or member; null where the user does not belong to the team or there is none.
-- Errors: none.
create or replace function private.team_role(p_user_id bigint, p_team_id bigint)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.teams as t where t.id = p_team_id for update;
  return (select m.role from public.team_members as m where m.team_id = p_team_id and m.user_id = p_user_id);
end
$$;

revoke all on function private.team_role from public, anon, authenticated, service_role;
comment on function private.team_role is 'Returns a user''s role in a team and locks the team, so that its members and assignments do not change meanwhile';

-- Changes a team's name or time zone, or renews the code of its invite link. Earlier deadlines keep their moment. For managers.
--
-- p_name, p_time_zone: null keeps them.
--
-- Concurrency: the team is locked; the last change counts.
-- Locks: team.
-- Returns: jsonb
--   outcome: 'changed' | 'no_zone' | 'none'    (no_zone: no such IANA time zone)
--   team?: private.team_card                   (changed)
-- Errors: V0002 the name is invalid.
create or replace function public.update_team(
  p_user_id bigint, p_team_id bigint, p_name text default null, p_time_zone text default null,
  p_renew_code boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_team public.teams;
  v_zone text;
begin
  if length(p_name) not between 1 and 60 then
    raise exception 'the name of a team has 1 to 60 characters' using errcode = 'V0002';
  elsif private.team_role(p_user_id, p_team_id) is distinct from 'manager' then
    return jsonb_build_object('outcome', 'none');
  elsif p_time_zone is not null then
    select z.name into v_zone from pg_timezone_names as z where lower(z.name) = lower(p_time_zone) limit 1;
    if not found then
      return jsonb_build_object('outcome', 'no_zone');
    end if;
  end if;
  update public.teams as t
     set name = coalesce(p_name, t.name),
         time_zone = coalesce(v_zone, t.time_zone),
         code = case when p_renew_code then private.random_code() else t.code end
   where t.id = p_team_id
  returning t.* into v_team;
  return jsonb_build_object('outcome', 'changed', 'team', private.team_card(v_team, 'manager'));
end
$$;

revoke all on function public.update_team from public, anon, authenticated, service_role;
grant execute on function public.update_team to bot_backend;
comment on function public.update_team is 'Changes a team''s name or time zone, or renews the code of its invite link';

-- Applies what a handler changed in its session and in the user's preferences.
--
-- p_changes may hold mode, data (keys to set; null removes one), language, price_currency, is_active, referrer_code
-- (private.attach_referral), token (a change of a user API key, private.change_token) and clear_history (true deletes
-- the conversation). public.finish_update handles its other keys.
--
-- Concurrency: the caller holds the update row and calls once. Session data are merged into the row key by key, so
--   two updates of one session lose nothing.
-- Locks: user (where a preference changes), for a referral referrer and user (KEY SHARE), for a key the user (NO KEY
--   UPDATE), then messages and session.
-- Returns: void
-- Errors: those of private.change_token.
create or replace function private.change_session(
  p_update public.telegram_updates, p_changes jsonb, p_reservation text, p_now timestamptz
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_changes ? 'is_active' then
    perform private.set_blocked(p_update.chat_id, p_update.bot, not (p_changes ->> 'is_active')::boolean);
  end if;
  if p_changes ?| array['language', 'price_currency'] then
    update public.users as u
       set language = coalesce(p_changes ->> 'language', u.language),
           price_currency = coalesce(p_changes ->> 'price_currency', u.price_currency)
     where u.id = p_update.user_id;
  end if;
  if p_changes ? 'referrer_code' then
    perform private.attach_referral(p_update.user_id, p_changes ->> 'referrer_code');
  end if;
  if p_changes ? 'token' then
    perform private.change_token(p_update.user_id, p_changes -> 'token');
  end if;
  if (p_changes ->> 'clear_history')::boolean then
    delete from public.messages as m
     where m.user_id = p_update.user_id and m.bot = p_update.bot and m.chat_id = p_update.chat_id
       and m.thread_id = p_update.thread_id;
  end if;
  update public.bot_sessions as s
     set mode = coalesce(p_changes ->> 'mode', s.mode),
         session_data = case
           when p_changes ? 'data' then (s.session_data || (p_changes -> 'data')) - array(
             select d.key from jsonb_each(p_changes -> 'data') as d where d.value = 'null'
           )
           else s.session_data
         end,
         stats_data = case
           when p_reservation = 'settled' then s.stats_data || jsonb_build_object(
             'requests', coalesce((s.stats_data ->> 'requests')::bigint, 0) + 1
           )
           else s.stats_data
         end,
         last_update_id = case
           when p_update.kind in ('message', 'edited_message') then p_update.update_id
           else s.last_update_id
         end,
         updated_at = p_now
   where s.user_id = p_update.user_id and s.bot = p_update.bot and s.chat_id = p_update.chat_id
     and s.thread_id = p_update.thread_id;
end
$$;

revoke all on function private.change_session from public, anon, authenticated, service_role;
comment on function private.change_session is 'Applies what a handler changed in its session';

-- Counts the sessions in which a user wrote or tapped a button within the last p_minutes: one per user, bot, chat and
-- topic; with p_bot those of one bot. p_minutes is limited to 1 to 1440.
--
-- Concurrency: read-only, over telegram_updates_received_at_idx.
-- Locks: none.
-- Returns: bigint, the number of sessions.
-- Errors: none.
create or replace function public.count_active_sessions(p_minutes integer default 60, p_bot text default null)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- A variable, because a condition on a volatile function cannot use the index.
  v_now timestamptz := private.clock();
begin
  return (
    select count(*)
      from (
        select distinct t.bot, t.user_id, t.chat_id, t.thread_id
          from public.telegram_updates as t
         where t.received_at > v_now - make_interval(mins => least(greatest(p_minutes, 1), 1440))
           and t.user_id is not null
           and t.chat_id is not null
           and (p_bot is null or t.bot = p_bot)
      ) as s
  );
end
$$;

revoke all on function public.count_active_sessions from public, anon, authenticated, service_role;
grant execute on function public.count_active_sessions to bot_backend, service_role;
comment on function public.count_active_sessions is 'Counts the sessions that were active within the last minutes';

-- Stores Bot API calls in the outbox. The caller has a minute to deliver them before the sweep does.
--
-- Concurrency: the caller holds the update row and stores its calls once.
-- Locks: none.
-- Returns: jsonb, list of their ids, in order.
-- Errors: none.
create or replace function private.enqueue_calls(p_bot text, p_update_id bigint, p_calls jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_call jsonb;
  v_id bigint;
  v_ids jsonb := '[]'::jsonb;
begin
  for v_index in 0 .. jsonb_array_length(p_calls) - 1 loop
    v_call := p_calls -> v_index;
    insert into public.telegram_outbox as o (bot, chat_id, update_id, method, parameters, send_after, created_at)
    values (
      p_bot, (v_call -> 'parameters' ->> 'chat_id')::bigint, p_update_id, v_call ->> 'method',
      v_call -> 'parameters', v_now + interval '1 minute', v_now
    )
    returning o.id into v_id;
    v_ids := v_ids || to_jsonb(v_id);
  end loop;
  return v_ids;
end
$$;

revoke all on function private.enqueue_calls from public, anon, authenticated, service_role;
comment on function private.enqueue_calls is 'Stores Bot API calls in the outbox';

-- Commits everything the handler of an update changed, together with its answer: the second and last database call of
-- an update.
--
-- p_session: changes of the session and the user (private.change_session), and
--   hold (seconds): keep the update open; the next message finishes it, or the sweep processes it after that time
--   finish_held: update_id of a held update that this one answers too
--   ban_notified: the answer tells the user about the ban; of two such updates only the first one's answer is kept
--   erase {hash, balance}: erase the user (private.erase_user)
-- p_messages [{role, content, message_id}]: the conversation to store; it replaces rows of an edited message_id.
-- p_reservation: settled when a reserved request was served. Otherwise the request is released, unless a provider
-- call was billed, or a provider was called and the releases of the day (setting daily_releases) are used up.
-- p_outgoing: Bot API calls to enqueue. p_usage: the calls to AI providers (private.record_usage).
--
-- Concurrency: the row is locked and its attempt compared: a worker that lost its lease changes nothing, and a
--   repeated call after a lost response changes nothing and gets the same answer. Only the worker that finishes
--   records p_usage, so each call counts once. Session data are merged key by key and never written back whole, so a
--   button and a message at once lose nothing. For a user who was erased meanwhile nothing is written.
-- Locks: update row, user (KEY SHARE; FOR UPDATE for an erasure), for a first request referrer and user by id,
--   request counters, the held update (FOR UPDATE SKIP LOCKED), session and messages, counters of AI calls.
-- Returns: jsonb
--   outcome: 'finished' | 'superseded'
--   outgoing?: [ bigint ]  (finished: the ids of p_outgoing, in order)
--   referral_message?: private.on_first_request | null    (finished: the message to the referrer, to deliver now)
--   withheld?: boolean     (finished: p_answer must not be sent, because the user got it already)
-- Errors: Y0001 and Y0002, see private.erase_user; K0001 and K0002, see private.change_token.
create or replace function public.finish_update(
  p_bot text,
  p_update_id bigint,
  p_attempt integer,
  p_session jsonb default '{}',
  p_messages jsonb default '[]',
  p_reservation text default null,
  p_answer jsonb default null,
  p_outgoing jsonb default '[]',
  p_usage jsonb default '[]'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_update public.telegram_updates;
  v_answer jsonb := p_answer;
  v_hold interval := make_interval(secs => (p_session ->> 'hold')::double precision);
  v_outgoing jsonb := '[]'::jsonb;
  v_referral_message jsonb;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if not found or v_update.attempt <> p_attempt or v_update.status not in ('working', 'finished') then
    return jsonb_build_object('outcome', 'superseded');
  elsif v_update.status = 'finished' then
    select coalesce(jsonb_agg(o.id order by o.id), '[]'::jsonb) into v_outgoing
      from public.telegram_outbox as o
     where o.bot = p_bot and o.update_id = p_update_id;
    return jsonb_build_object(
      'outcome', 'finished', 'outgoing', v_outgoing,
      'withheld', p_answer is not null and v_update.answer is null
    );
  elsif not private.lock_user(v_update, p_session ? 'erase') then
    return jsonb_build_object('outcome', 'superseded');
  end if;

  if v_update.reservation = 'reserved' and p_reservation is distinct from 'settled' then
    p_reservation := case
      when private.has_billed_call(p_usage) then 'settled'
      when private.release_usage(
        v_update.user_id, p_bot, v_update.reserved_on, v_update.reserved_from, p_usage <> '[]'
      ) then 'released'
      else 'settled'
    end;
  elsif p_reservation = 'settled' then
    v_referral_message := private.on_first_request(v_update.user_id, p_bot, p_update_id);
  end if;
  if p_session ? 'ban_notified' and not private.mark_ban_notified(v_update.user_id) then
    v_answer := null;
    p_outgoing := '[]';
  end if;
  if p_session ? 'finish_held' then
    update public.telegram_updates as t
       set status = 'finished', payload = null, error = null, lease_until = null
      from (
        select h.bot, h.update_id
          from public.telegram_updates as h
         where h.bot = p_bot and h.update_id = (p_session ->> 'finish_held')::bigint
           and h.user_id = v_update.user_id and h.status = 'failed'
           for update skip locked
      ) as held
     where t.bot = held.bot and t.update_id = held.update_id;
  end if;
  perform private.change_session(v_update, p_session, p_reservation, v_now);
  if p_messages <> '[]' then
    if v_update.kind = 'edited_message' then
      delete from public.messages as m
       where m.user_id = v_update.user_id and m.bot = p_bot and m.chat_id = v_update.chat_id
         and m.thread_id = v_update.thread_id and m.message_id = (p_messages -> 0 ->> 'message_id')::bigint;
    end if;
    insert into public.messages (user_id, bot, chat_id, thread_id, role, content, message_id, created_at)
    select v_update.user_id, p_bot, v_update.chat_id, v_update.thread_id, m.value ->> 'role', m.value ->> 'content',
      (m.value ->> 'message_id')::bigint, v_now
      from jsonb_array_elements(p_messages) with ordinality as m (value, position)
     order by m.position;
  end if;
  perform private.record_usage(
    v_update, p_usage, p_reservation is not distinct from 'settled' and v_update.reservation = 'reserved'
  );
  if p_outgoing <> '[]' then
    v_outgoing := private.enqueue_calls(p_bot, p_update_id, p_outgoing);
  end if;
  update public.telegram_updates as t
     set status = case when v_hold is null then 'finished' else 'failed' end,
         payload = case when v_hold is not null then t.payload end,
         error = null,
         lease_until = v_now + v_hold - interval '1 minute',  -- the sweep waits a minute longer
         reservation = coalesce(p_reservation, v_update.reservation),
         answer = case when v_hold is null then v_answer end
   where t.bot = p_bot and t.update_id = p_update_id;
  if p_session ? 'erase' then
    perform private.erase_user(v_update, p_session -> 'erase');
  end if;
  return jsonb_build_object(
    'outcome', 'finished', 'outgoing', v_outgoing, 'referral_message', v_referral_message,
    'withheld', p_answer is not null and v_answer is null
  );
end
$$;

revoke all on function public.finish_update from public, anon, authenticated, service_role;
grant execute on function public.finish_update to bot_backend;
comment on function public.finish_update is 'Commits what the handler of an update changed, and its answer';

-- Moves the sessions, conversations and running quiz of a group to the supergroup that it became. Telegram reports both ids,
-- once in each chat. Updates in progress move with their chat, so what they commit is found in the new one. A session that
-- the supergroup already has, because its first message can arrive before the report, is kept and gets what it lacks.
--
-- Concurrency: a second call finds nothing left to move.
-- Locks: open updates of the group (FOR UPDATE) by bot and update_id, its users (KEY SHARE) by id, then their
--   sessions, then the running quiz.
-- Returns: jsonb
--   sessions: int          (how many were moved)
-- Errors: none.
create or replace function public.migrate_chat(p_old bigint, p_new bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_moved bigint;
begin
  if p_old = p_new then
    return jsonb_build_object('sessions', 0);
  end if;
  update public.telegram_updates as t
     set chat_id = p_new
    from (
      select o.bot, o.update_id
        from public.telegram_updates as o
       where o.status in ('working', 'failed') and o.chat_id = p_old
       order by o.bot, o.update_id
         for update
    ) as open_update
   where t.bot = open_update.bot and t.update_id = open_update.update_id;
  perform from public.users as u
    where u.id in (select s.user_id from public.bot_sessions as s where s.chat_id = p_old and s.chat_id < 0)
    order by u.id
      for key share;

  with moved as (
    delete from public.bot_sessions as s
     where s.chat_id = p_old and s.chat_id < 0
    returning s.*
  ), talk as (
    update public.messages as m
       set chat_id = p_new
      from moved as o
     where m.user_id = o.user_id and m.bot = o.bot and m.chat_id = p_old and m.thread_id = o.thread_id
  ), kept as (
    insert into public.bot_sessions as s
      (user_id, bot, chat_id, thread_id, mode, session_data, stats_data, last_update_id, created_at, updated_at)
    select o.user_id, o.bot, p_new, o.thread_id, o.mode, o.session_data, o.stats_data, o.last_update_id, o.created_at, o.updated_at
      from moved as o
    on conflict (user_id, bot, chat_id, thread_id) do update
      set mode = case when s.mode = 'chat' then excluded.mode else s.mode end,
          session_data = excluded.session_data || s.session_data,
          stats_data = excluded.stats_data || s.stats_data || jsonb_build_object(
            'requests',
            coalesce((excluded.stats_data ->> 'requests')::bigint, 0) + coalesce((s.stats_data ->> 'requests')::bigint, 0)
          ),
          last_update_id = greatest(s.last_update_id, excluded.last_update_id),
          created_at = least(s.created_at, excluded.created_at)
  )
  select count(*) into v_moved from moved;
  update public.quiz_rounds as r
     set chat_id = p_new
   where r.chat_id = p_old
     and r.summarized_at is null
     and not exists (
       select
         from public.quiz_rounds as o
        where o.bot = r.bot and o.chat_id = p_new and o.thread_id = r.thread_id and o.summarized_at is null
     );
  return jsonb_build_object('sessions', v_moved);
end
$$;

revoke all on function public.migrate_chat from public, anon, authenticated, service_role;
grant execute on function public.migrate_chat to bot_backend;
comment on function public.migrate_chat is 'Moves the sessions of a group to the supergroup that it became';

-- Stores an update, drops duplicates, takes the lease and loads everything a handler needs: the first database call
-- of an update.
--
-- While a session awaits an API key (session_data.awaiting is "key:<provider>"), the text of a message is never
-- stored, because a key may have any format. A worker that takes over finds [hidden] in its place and asks for the
-- key again.
-- p_telegram_user: Telegram's User, and in hash the key of its tombstone in erased_users. p_thread: the topic of a
-- chat that has topics, with its own session and conversation; 0 elsewhere. p_reserve: reserve an AI request, whose
-- cost is p_cost US dollars at most. p_history and p_history_characters limit the conversation that is loaded; the
-- plan may limit it further.
-- The result is json and not jsonb: private.recent_messages builds the history as text.
--
-- Concurrency: deliveries of one update are serialized by private.claim_update. A worker that takes over from a
--   crashed one finds its request still reserved and reserves no second one; the quota day stays that of the first
--   attempt. An update that was received before its user was erased is over and does not create the user again.
--   The commit of a new update does not wait for the disk, because the next commit that waits (finish_update, or a change
--   of the handler before it) makes both durable. If the server crashes before that, nothing was answered yet:
--   finish_update finds no row and answers superseded, and Telegram delivers the update again.
--   If that delivery begins while the first worker still works, both have attempt 1: the changes of the first to finish
--   are committed, once, and both send their answer.
-- Locks: a known update row (FOR UPDATE), user (KEY SHARE; NO KEY UPDATE where its row changes), session, the row of a
--   new update, then as private.claim_held_part and private.reserve_usage. As everywhere, a known update row comes
--   before its user.
-- Returns: json
--   outcome: 'work' | 'busy' | 'crash_limit' | 'finished'
--   attempt?: int          (work, crash_limit)
--   failures?: int         (work, crash_limit)
--   user?: {               (work; crash_limit: the two languages alone)
--     language: text | null, language_code: text,
--     id?: bigint, telegram_id?: bigint, is_new?: boolean, vip_level?: int, balance?: numeric, currency?: text,
--     level?: int, total_xp?: bigint,
--     price_currency?: text | null, created_at?: timestamptz, is_admin?: boolean, admin_email?: text | null,
--     ban?: { reason: text | null, notified: boolean } | null
--   }
--   session?: { mode: text, data: jsonb }     (work, as all that follows)
--   usage?: {
--     plan: text, features: [ text ], requests: int, daily_requests: int | null, resets_at: timestamptz,
--     month_requests: int, monthly_requests: int | null, month_resets_at: timestamptz, bonus_credits: int, timezone: text
--   }
--   reservation?: 'reserved' | 'user_api_key' | 'settled' | 'released' | 'refused' | 'in_progress' | 'user_cost' | 'bot_cost' | null
--                          (null: not asked for, a question of ours awaits its answer, or the user is banned)
--   releases_left?: int | null
--   user_api_key?: private.active_token | null     (the user's own API key, where p_reserve asks for the AI and nothing is
--                          reserved yet)
--   history?: [ { role: 'user' | 'assistant', content: text } ]   (oldest first; at most p_history and what the plan allows,
--                          at most p_history_characters together)
--   edited_question?: text | null             (what the AI was asked before the user edited this message; history leaves it
--                          and its answer out)
--   retry_after?: int      (busy: seconds)
--   answer?: jsonb         (finished: the stored answer; null once it is known to have arrived)
--   outgoing?: [ outbox_item ]   (finished: still to be delivered)
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function public.receive_update(
  p_bot text,
  p_update_id bigint,
  p_delivery uuid,
  p_kind text,
  p_chat_id bigint,
  p_telegram_user jsonb,
  p_payload jsonb,
  p_lease_seconds integer,
  p_reserve boolean default false,
  p_history integer default 0,
  p_thread bigint default 0,
  p_history_characters integer default null,
  p_cost numeric default 0
)
returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_known public.telegram_updates;
  v_claim record;
  v_user public.users;
  v_banned boolean;
  v_session public.bot_sessions;
  v_quota record;
  v_reserved record;
  v_user_api_key jsonb;
  v_edited bigint;
  v_edited_question text;
  v_is_counted boolean;
  v_releases_left integer;
  v_timezone text;
  v_currency text;
  v_expected text;
  v_expected_day date;
  v_expected_cost numeric;
begin
  -- Lock the update row before the user, as all functions do, to prevent deadlocks.
  select t.* into v_known
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if found and v_known.received_at >= v_now - interval '48 hours' and (
    not private.lock_user(v_known) or v_known.status in ('finished', 'dead_lettered')
  ) then
    return private.replay_answer(p_bot, p_update_id, p_chat_id);
  end if;
  v_user := private.upsert_user(p_telegram_user, v_now);
  v_session := private.open_session(v_user.id, p_bot, p_chat_id, p_thread);
  if v_session.session_data ->> 'awaiting' like 'key:%' and p_kind in ('message', 'edited_message') then
    -- Redact before the row is stored: earlier versions of a row stay in files and backups.
    p_payload := private.redact_update(p_payload, p_kind);
  end if;
  v_banned := v_user.banned_at is not null and not v_user.is_admin;
  select
    (select s.value #>> '{}' from private.settings as s where s.key = 'quota_timezone'),
    (select s.value #>> '{}' from private.settings as s where s.key = 'balance_currency')
    into v_timezone, v_currency;
  if p_reserve and not v_banned and v_known.bot is null and not v_session.session_data ?| array['awaiting', 'paste'] then
    v_user_api_key := private.active_token(v_user.id);
    -- What private.reserve_usage almost always decides is stored with the row, which saves a second write of it.
    if v_user_api_key is null then
      v_expected := 'reserved';
      v_expected_day := (v_now at time zone v_timezone)::date;
      v_expected_cost := p_cost;
    else
      v_expected := 'user_api_key';
    end if;
  end if;
  v_claim := private.claim_update(
    p_bot, p_update_id, p_delivery, p_kind, p_chat_id, v_user.id, p_payload, p_lease_seconds, v_now, p_thread,
    v_expected, v_expected_day, v_expected_cost
  );
  if v_claim.outcome = 'busy' then
    return json_build_object(
      'outcome', 'busy',
      'retry_after', ceil(extract(epoch from v_claim.lease_until - private.clock()))
    );
  elsif v_claim.outcome = 'finished' then
    -- Another delivery finished it concurrently, perhaps by erasing the user.
    if v_user.created_at = v_now then
      raise exception 'the user was erased at this moment' using errcode = '40001';
    end if;
    return private.replay_answer(p_bot, p_update_id, p_chat_id);
  elsif v_claim.outcome = 'crash_limit' then
    return json_build_object(
      'outcome', 'crash_limit', 'attempt', v_claim.attempt, 'failures', v_claim.crash_count,
      'user', json_build_object('language', v_user.language, 'language_code', v_user.language_code)
    );
  end if;

  if v_claim.attempt > 1 then  -- the previous worker may have changed it while this one waited
    v_session := private.open_session(v_user.id, p_bot, p_chat_id, p_thread);
  end if;
  if v_session.session_data ? 'paste' and p_kind = 'message'
    and v_session.session_data -> 'paste' ->> 'update_id' is distinct from p_update_id::text
  then
    v_session.session_data := private.claim_held_part(v_session, p_lease_seconds);
  end if;
  v_is_counted := coalesce(v_claim.reservation in ('reserved', 'settled'), false);
  if v_expected is null and p_reserve and not v_banned and not v_is_counted then
    v_user_api_key := private.active_token(v_user.id);
  end if;
  if p_reserve
    and not v_banned
    and not v_is_counted
    and v_session.session_data ->> 'awaiting' is null
  then
    v_reserved := private.reserve_usage(
      v_user.id, p_bot, p_update_id, p_cost, v_user_api_key is not null, v_timezone
    );
    v_releases_left := v_reserved.releases_left;
    v_user.bonus_credits := v_user.bonus_credits - coalesce((v_reserved.reserved_from = 'bonus')::integer, 0);
    v_claim.reservation := v_reserved.reservation;
    if not v_claim.is_new or v_reserved.reservation is distinct from v_expected
      or v_reserved.reserved_on is distinct from v_expected_day or v_reserved.reserved_from = 'bonus'
    then
      update public.telegram_updates as t
         set reservation = v_claim.reservation,
             reserved_on = v_reserved.reserved_on,
             reserved_from = v_reserved.reserved_from,
             reserved_cost = case when v_reserved.reservation = 'reserved' then p_cost end
       where t.bot = p_bot and t.update_id = p_update_id;
    end if;
    if v_reserved.plan is not null then
      v_quota := v_reserved;
    end if;
  end if;
  if p_kind = 'edited_message' then
    v_edited := (p_payload -> 'edited_message' ->> 'message_id')::bigint;
    select m.content into v_edited_question
      from public.messages as m
     where m.user_id = v_user.id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
       and m.message_id = v_edited and m.role = 'user'
     order by m.id desc
     limit 1;
  end if;
  if v_quota is null then
    v_quota := private.quota(v_user.id, v_user.vip_level, v_timezone);
  end if;
  if v_claim.is_new then
    perform set_config('synchronous_commit', 'off', true);
  end if;

  return json_build_object(
    'outcome', 'work',
    'attempt', v_claim.attempt,
    'failures', v_claim.failures,
    'user', json_build_object(
      'id', v_user.id,
      'telegram_id', v_user.telegram_id,
      'is_new', v_user.created_at = v_claim.received_at,
      'language', v_user.language,
      'language_code', v_user.language_code,
      'vip_level', v_user.vip_level,
      'balance', v_user.balance::text,
      'level', v_user.level,
      'total_xp', v_user.total_xp,
      'currency', v_currency,
      'price_currency', v_user.price_currency,
      'created_at', v_user.created_at,
      'is_admin', v_user.is_admin,
      'admin_email', case when v_user.is_admin then (
        select a.email from public.admins as a where a.telegram_id = v_user.telegram_id
      ) end,
      'ban', case when v_banned then json_build_object(
        'reason', v_user.ban_reason, 'notified', v_user.ban_notified
      ) end
    ),
    'session', json_build_object('mode', v_session.mode, 'data', v_session.session_data),
    'usage', json_build_object(
      'plan', v_quota.plan,
      'features', v_quota.features,
      'requests', v_quota.requests,
      'daily_requests', v_quota.daily_requests,
      'resets_at', v_quota.resets_at,
      'month_requests', v_quota.month_requests,
      'monthly_requests', v_quota.monthly_requests,
      'month_resets_at', v_quota.month_resets_at,
      'bonus_credits', v_user.bonus_credits,
      'timezone', v_quota.timezone
    ),
    'reservation', v_claim.reservation,
    'releases_left', v_releases_left,
    'user_api_key', v_user_api_key,
    'history', case
      when p_history > 0 and not v_banned then private.recent_messages(
        v_user.id, p_bot, p_chat_id, p_thread, least(p_history, v_quota.history_length), v_edited,
        p_history_characters
      )
      else '[]'::json
    end,
    'edited_question', v_edited_question
  );
end
$$;

revoke all on function public.receive_update from public, anon, authenticated, service_role;
grant execute on function public.receive_update to bot_backend;
comment on function public.receive_update is 'Stores an update, drops duplicates, takes the lease and loads the session';

-- Returns the newest messages of a session, oldest first: p_limit at most, and only as many as fit whole into
-- p_characters (null: no limit). Messages of p_without, which the user edited, are left out.
--
-- The result is json: for 50 messages a quarter of the CPU of jsonb, which would be parsed and printed again. One aggregate
-- is cheaper than a loop, and json_agg of rows parses nothing (docs/performance.md).
--
-- Concurrency: read-only, over messages_session_idx.
-- Locks: none.
-- Returns: json, [{role, content}]; empty when there are none.
-- Errors: none.
create or replace function private.recent_messages(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_limit integer, p_without bigint default null,
  p_characters integer default null
)
returns json
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_items json;
  v_bytes bigint;
begin
  loop
    select json_agg(i order by m.id), sum(octet_length(m.content))
      into v_items, v_bytes
      from (
        select r.id, r.role, r.content
          from public.messages as r
         where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id and r.thread_id = p_thread
           and (p_without is null or r.message_id is distinct from p_without)
         order by r.id desc
         limit p_limit
      ) as m
     cross join lateral (select m.role, m.content) as i;
    -- A text has at most as many characters as bytes, which are known without reading it.
    exit when coalesce(v_bytes <= p_characters, true);
    select count(*) into p_limit
      from (
        select sum(length(r.content)) over (order by r.id desc) as characters
          from public.messages as r
         where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id and r.thread_id = p_thread
           and (p_without is null or r.message_id is distinct from p_without)
         order by r.id desc
         limit p_limit
      ) as s
     where s.characters <= p_characters;
    p_characters := null;
  end loop;
  return coalesce(v_items, '[]'::json);
end
$$;

revoke all on function private.recent_messages from public, anon, authenticated, service_role;
comment on function private.recent_messages is 'Returns the newest messages of a session, oldest first';

-- Records the delivery results of outbox items.
--
-- p_results: [{id, outcome: sent | refused | blocked | later, retry_after (seconds), error}]. Items that were sent or
-- refused for good are deleted. blocked: the user blocked the bot (private.set_blocked). later: retried
-- after 5 seconds, doubled with each attempt up to an hour, and never before retry_after. An item older than 24 hours
-- is given up.
--
-- Concurrency: an item that is gone is skipped. Items of one update stay in order, because the sender stops at the
--   first that must wait and reports those behind it as waiting too. The commit does not wait for the disk: if the
--   server crashes within the second that follows, the sweep delivers the items once more.
-- Locks: users who blocked a bot and their sessions, then outbox items.
-- Returns: jsonb
--   dropped: int           (how many were given up after a day of attempts)
-- Errors: none.
create or replace function public.record_deliveries(p_results jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_dropped integer;
begin
  perform set_config('synchronous_commit', 'off', true);
  if not p_results @? '$[*] ? (@.outcome != "sent")' then
    delete from public.telegram_outbox as o
     where o.id = any (array(select (r.value ->> 'id')::bigint from jsonb_array_elements(p_results) as r (value)));
    return '{"dropped": 0}'::jsonb;
  end if;
  v_now := private.clock();
  perform private.set_blocked(b.chat_id, b.bot, true)
    from (
      select distinct o.chat_id, o.bot
        from jsonb_array_elements(p_results) as r (value)
        join public.telegram_outbox as o on o.id = (r.value ->> 'id')::bigint
       where r.value ->> 'outcome' = 'blocked'
       order by o.chat_id, o.bot
    ) as b;
  delete from public.telegram_outbox as o
   using jsonb_array_elements(p_results) as r (value)
   where o.id = (r.value ->> 'id')::bigint and r.value ->> 'outcome' in ('sent', 'refused', 'blocked');
  update public.telegram_outbox as o
     set attempts = o.attempts + 1,
         error = left(r.value ->> 'error', 500),
         send_after = v_now + make_interval(
           secs => greatest((r.value ->> 'retry_after')::double precision, least(5 * 2 ^ o.attempts, 3600))
         )
    from jsonb_array_elements(p_results) as r (value)
   where o.id = (r.value ->> 'id')::bigint and r.value ->> 'outcome' = 'later';
  delete from public.telegram_outbox as o
   using jsonb_array_elements(p_results) as r (value)
   where o.id = (r.value ->> 'id')::bigint and o.created_at < v_now - interval '24 hours';
  get diagnostics v_dropped = row_count;
  return jsonb_build_object('dropped', v_dropped);
end
$$;

revoke all on function public.record_deliveries from public, anon, authenticated, service_role;
grant execute on function public.record_deliveries to bot_backend;
comment on function public.record_deliveries is 'Records the delivery results of outbox items';

-- Records whether a user blocks a bot. users.is_active is false while the user blocks every bot with which there is a private
-- chat, so that a message still goes out through another bot (private.reachable_bot).
--
-- Concurrency: the user's row is locked, so two bots that are blocked at once see each other's change.
-- Locks: user (NO KEY UPDATE), session.
-- Returns: void
-- Errors: none.
create or replace function private.set_blocked(p_telegram_id bigint, p_bot text, p_is_blocked boolean)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id bigint;
begin
  select u.id into v_user_id from public.users as u where u.telegram_id = p_telegram_id for no key update;
  update public.bot_sessions as s
     set is_blocked = p_is_blocked
   where s.user_id = v_user_id and s.bot = p_bot and s.chat_id = p_telegram_id and s.is_blocked <> p_is_blocked;
  update public.users as u
     set is_active = not p_is_blocked or exists (
       select from public.bot_sessions as s
        where s.user_id = v_user_id and s.chat_id = p_telegram_id and s.bot <> p_bot and not s.is_blocked
     )
   where u.id = v_user_id;
end
$$;

revoke all on function private.set_blocked from public, anon, authenticated, service_role;
comment on function private.set_blocked is 'Records whether a user blocks a bot';

-- Releases what crashed workers hold, and deletes what is past its retention: requests reserved by updates that are
-- older than ten minutes and have no lease, finished and dead-lettered updates, messages, and request counters of
-- erased users. Also ends expired subscriptions, creates and drops partitions of api_usage, and enqueues alarms of
-- admins who wrote to a bot for the first time, and deletes the boards of past days and weeks. p_limit: the most rows of each kind.
--
-- Concurrency: rows that another sweep or a worker has locked are skipped.
-- Locks: as the functions it calls, in their order here; each skips locked rows.
-- Returns: jsonb
--   { [text]: int }        (how many of each kind, at most p_limit: released, updates, messages, erased, subscriptions,
--                          months, alarms, boards)
-- Errors: none.
create or replace function public.sweep(p_limit integer default 1000)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'released', private.release_stale_requests(p_limit),
    'updates', private.delete_old_updates(p_limit),
    'messages', private.delete_old_messages(p_limit),
    'erased', private.expire_tombstones(p_limit),
    'subscriptions', private.expire_subscriptions(p_limit),
    'months', private.maintain_usage_partitions(),
    'alarms', private.enqueue_waiting_alarms(p_limit),
    'boards', private.delete_old_boards(p_limit)
  );
end
$$;

revoke all on function public.sweep from public, anon, authenticated, service_role;
grant execute on function public.sweep to bot_backend;
comment on function public.sweep is 'Releases stale reservations and deletes what is past its retention';

-- Notes a question that was suggested in the open training, by its hash: to copy it gives nothing for context.
--
-- Concurrency: the training is locked; a hash is noted once.
-- Locks: training.
-- Returns: void
-- Errors: none.
create or replace function public.add_training_tip(p_user_id bigint, p_training_id bigint, p_hash text)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.trainings as t
     set tips = t.tips || to_jsonb(p_hash)
   where t.id = p_training_id and t.user_id = p_user_id and t.status = 'open' and not t.tips ? p_hash;
$$;

revoke all on function public.add_training_tip from public, anon, authenticated, service_role;
grant execute on function public.add_training_tip to bot_backend;
comment on function public.add_training_tip is 'Notes a question that was suggested in a training';

-- Decides about a disputed line in an admin's name: upholds its points, or corrects its label. A correction computes the
-- training's score again and changes the history, the XP (by a row of the ledger) and what was assigned. The user gets one
-- message.
--
-- p_type: the right type, null: the points are upheld. p_is_contextual: whether it took up the client's words.
--
-- Concurrency: user, training and dispute are locked; of two admins the second gets what the first decided.
-- Locks: user (NO KEY UPDATE), training, dispute, session, then as private.recount_training, private.award_xp,
--   private.award_due_badges and private.count_for_task.
-- Returns: jsonb
--   outcome: 'upheld' | 'corrected' | 'known' | 'none'    (known: decided before; none: the user deleted the data)
--   status?: 'upheld' | 'corrected'    (known)
--   before?: int                       (corrected: the score)
--   after?: int                        (corrected)
--   xp?: int                           (corrected)
--   outgoing?: outgoing                (upheld, corrected: the message to the user)
-- Errors: N0001 not an admin; N0003 the reference was used with another action or user; N0008 no such type.
create or replace function public.admin_decide_dispute(
  p_dispute_id bigint, p_type text, p_is_contextual boolean, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_user public.users;
  v_training public.trainings;
  v_dispute public.training_disputes;
  v_turn public.training_turns;
  v_before integer;
  v_after integer;
  v_xp integer := 0;
  v_status text := case when p_type is null then 'upheld' else 'corrected' end;
begin
  select u.* into v_user
    from public.users as u
   where u.id = (select d.user_id from public.training_disputes as d where d.id = p_dispute_id)
     for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = (
     select r.training_id
       from public.training_disputes as d
       join public.training_turns as r on r.id = d.turn_id
      where d.id = p_dispute_id
   )
     for update;
  select d.* into v_dispute from public.training_disputes as d where d.id = p_dispute_id for update;
  if v_dispute.id is null or v_user.id is null then
    return jsonb_build_object('outcome', 'none');
  elsif v_dispute.status <> 'open' then
    return jsonb_build_object('outcome', 'known', 'status', v_dispute.status);
  elsif p_type is not null and not exists (
    select from jsonb_array_elements(v_training.rules -> 'types') as t (type) where t.type ->> 'id' = p_type
  ) then
    raise exception 'the scenario has no such type' using errcode = 'N0008';
  end if;
  select r.* into v_turn from public.training_turns as r where r.id = v_dispute.turn_id;
  v_before := (v_training.result ->> 'score')::integer;
  v_after := v_before;
  if p_type is not null then
    update public.training_turns as r
       set type = p_type,
           is_contextual = p_is_contextual and coalesce(v_training.drill_type, p_type) = p_type,
           why = case when v_training.drill_type <> p_type then 'other_type' else 'counted' end,
           points = 0
     where r.id = v_turn.id;
    v_training := private.recount_training(v_training);
    v_after := (v_training.result ->> 'score')::integer;
    if (v_training.result ->> 'is_scored')::boolean then
      perform public.update_user_stats_after_training(v_user.telegram_id, v_training.bot);
      v_xp := private.correct_training_xp(v_training, v_before, v_after, 'dispute:' || v_dispute.id);
      perform private.award_due_badges(
        v_user.id, v_training.bot,
        private.training_facts(v_training, v_after, (v_training.result ->> 'chains')::integer)
      );
      perform private.count_for_task(v_training);
    end if;
  end if;
  update public.training_disputes as d
     set status = v_status, corrected_type = p_type, score_before = v_before, score_after = v_after,
         decided_at = private.clock()
   where d.id = v_dispute.id;
  perform private.write_audit(
    v_email, 'decide_dispute', v_user.id, p_reference,
    jsonb_build_object('training', v_training.id, 'line', v_turn.position, 'type', v_dispute.type, 'score', v_before),
    jsonb_build_object('type', coalesce(p_type, v_dispute.type), 'score', v_after, 'xp', v_xp, 'decision', v_status)
  );
  return jsonb_build_object(
    'outcome', v_status,
    'outgoing', private.enqueue_user_message(
      v_user.id, v_training.bot, 'trainer_dispute_' || v_status,
      jsonb_build_object('question', left(v_turn.question, 200), 'before', v_before, 'after', v_after, 'xp', v_xp),
      jsonb_build_array(
        jsonb_build_array(jsonb_build_object('key', 'trainer_result_button', 'data', 'result:' || v_training.id))
      )
    )
  ) || case
    when p_type is null then '{}'::jsonb
    else jsonb_build_object('before', v_before, 'after', v_after, 'xp', v_xp)
  end;
end
$$;

revoke all on function public.admin_decide_dispute from public, anon, authenticated, service_role;
grant execute on function public.admin_decide_dispute to bot_backend;
comment on function public.admin_decide_dispute is 'Decides about a disputed line in an admin''s name';

-- Returns a disputed line to an admin.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     id: bigint, status: 'open' | 'upheld' | 'corrected', scenario: text, question: text, answer: text, reason: text,
--     type: text, points: int, is_contextual: boolean, corrected_type: text | null
--   } | null
-- Errors: N0001 not an admin.
create or replace function public.admin_get_dispute(p_dispute_id bigint, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_admin(p_admin_email);
  return (
    select jsonb_build_object(
        'id', d.id, 'status', d.status, 'scenario', t.scenario, 'question', r.question,
        'answer', coalesce(
          (
            select b.reply from public.training_turns as b where b.training_id = t.id and b.position = r.position - 1
          ),
          ''
        ),
        'reason', d.reason, 'type', d.type, 'points', r.points, 'is_contextual', r.is_contextual,
        'corrected_type', d.corrected_type
      )
      from public.training_disputes as d
      join public.training_turns as r on r.id = d.turn_id
      join public.trainings as t on t.id = r.training_id
     where d.id = p_dispute_id
  );
end
$$;

revoke all on function public.admin_get_dispute from public, anon, authenticated, service_role;
grant execute on function public.admin_get_dispute to bot_backend;
comment on function public.admin_get_dispute is 'Returns a disputed line to an admin';

-- Begins a turn of the open training: leases it for one update, and decides whether the AI may be used.
--
-- p_reference: the update's reference; it names the turn. p_cost: US dollars that the turn may cost at most.
-- p_lease_seconds: for how long other messages of the user wait.
--
-- Concurrency: the update's row and the training are locked. Of two messages at once the second finds the lease of the
--   first and is refused; a redelivery of the same update takes its own lease again; a turn that was recorded is
--   returned and begins nothing.
-- Locks: update row, user (KEY SHARE), training; near the bot's cost limit as private.is_within_bot_cost_limit.
-- Returns: jsonb
--   outcome: 'work' | 'known' | 'busy' | 'none' | 'no_access' | 'over' | 'superseded'   (over: the time of the exam)
--   training?: private.training_state     (work, known, busy, over)
--   turn?: private.training_turn          (known)
--   may_use_ai?: boolean                  (work: the daily cost limits leave p_cost)
--   access?: private.resolve_access       (no_access)
-- Errors: none.
create or replace function public.begin_training_turn(
  p_bot text, p_update_id bigint, p_attempt integer, p_reference text, p_cost numeric, p_lease_seconds integer
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_update public.telegram_updates;
  v_user public.users;
  v_training public.trainings;
  v_turn public.training_turns;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if v_update.status is distinct from 'working' or v_update.attempt <> p_attempt
    or not private.lock_user(v_update)
  then
    return jsonb_build_object('outcome', 'superseded');
  end if;
  select r.* into v_turn
    from public.training_turns as r
    join public.trainings as t on t.id = r.training_id
   where t.user_id = v_update.user_id and t.bot = p_bot and r.reference = p_reference;
  if found then
    select t.* into v_training from public.trainings as t where t.id = v_turn.training_id;
    return jsonb_build_object(
      'outcome', 'known', 'training', private.training_state(v_training), 'turn', private.training_turn(v_training, v_turn)
    );
  end if;
  v_training := private.find_open_training(v_update.user_id, p_bot);
  v_now := private.clock();  -- waiting for the locks takes time
  if v_training.id is null then
    return jsonb_build_object('outcome', 'none');
  elsif v_training.turn_lease_until > v_now and v_training.turn_reference <> p_reference then
    return jsonb_build_object('outcome', 'busy', 'training', private.training_state(v_training));
  elsif private.exam_ends_at(v_training) <= v_now then
    return jsonb_build_object('outcome', 'over', 'training', private.training_state(v_training));
  end if;
  if v_training.access_type is null then
    select u.* into v_user from public.users as u where u.id = v_update.user_id;
    if not (private.resolve_access(v_user, 1) ->> 'has_access')::boolean then
      return jsonb_build_object('outcome', 'no_access', 'access', private.resolve_access(v_user, 1));
    end if;
  end if;
  update public.trainings as t
     set turn_reference = p_reference, turn_lease_until = v_now + make_interval(secs => p_lease_seconds)
   where t.id = v_training.id;
  return jsonb_build_object(
    'outcome', 'work', 'training', private.training_state(v_training),
    'may_use_ai', private.may_spend(v_update, p_cost)
  );
end
$$;

revoke all on function public.begin_training_turn from public, anon, authenticated, service_role;
grant execute on function public.begin_training_turn to bot_backend;
comment on function public.begin_training_turn is 'Begins a turn of the open training';

-- Corrects the XP of a training whose score has changed, by a row of the ledger: the share of the difference that the award
-- of the training was of its score. A training that gave no XP because it was too fast gives none now.
--
-- p_reference: names the correction.
--
-- Concurrency: as private.award_xp, once per reference.
-- Locks: as private.award_xp.
-- Returns: integer, the XP added or taken.
-- Errors: none.
create or replace function private.correct_training_xp(
  p_training public.trainings, p_before integer, p_after integer, p_reference text
)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_award public.xp_awards;
  v_share numeric := 1;
  v_points integer;
begin
  if not (p_training.result ->> 'is_scored')::boolean or (p_training.result ->> 'is_fast')::boolean then
    return 0;
  end if;
  select a.* into v_award
    from public.xp_awards as a
   where a.user_id = p_training.user_id
     and a.rule = 'training_finished'
     and a.reference = concat(p_training.bot, ':', p_training.id);
  if found then
    v_share := v_award.points::numeric / v_award.requested;
  end if;
  if p_training.mode = 'drill' then
    v_points := round((p_after / 2 - p_before / 2) * v_share);
  else
    v_points := round((p_after - p_before) * v_share);
  end if;
  if v_points = 0 then
    return 0;
  end if;
  return (private.award_xp(p_training.user_id, p_training.bot, 'correction', p_reference, v_points) ->> 'points')::integer;
end
$$;

revoke all on function private.correct_training_xp from public, anon, authenticated, service_role;
comment on function private.correct_training_xp is 'Corrects the XP of a training whose score has changed, by a row of the ledger';

-- Disputes the points of a line of a finished training: the admins are notified, once a line and at most 20 times in 24
-- hours for a user, with buttons to uphold the points or to correct the label (public.admin_decide_dispute).
--
-- p_reason: what the user says about it; at most 500 characters are kept.
--
-- Concurrency: user and turn are locked; of two taps one notifies, and the limit holds.
-- Locks: user (NO KEY UPDATE), turn.
-- Returns: jsonb
--   outcome: 'sent' | 'known' | 'limit' | 'none'    (none: no such line in a finished training of the user)
--   outgoing?: outgoing                             (sent: to deliver now)
-- Errors: none.
create or replace function public.dispute_training_turn(
  p_user_id bigint, p_training_id bigint, p_position integer, p_reason text default ''
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_training public.trainings;
  v_turn public.training_turns;
  v_id bigint;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id and t.status = 'finished';
  select r.* into v_turn
    from public.training_turns as r
   where r.training_id = v_training.id and r.position = p_position
     for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  elsif v_turn.disputed_at is not null then
    return jsonb_build_object('outcome', 'known');
  elsif 20 <= (
    select count(*)
      from public.trainings as t
      join public.training_turns as r on r.training_id = t.id
     where t.user_id = p_user_id and r.disputed_at > private.clock() - interval '1 day'
  ) then
    return jsonb_build_object('outcome', 'limit');
  end if;
  update public.training_turns as r set disputed_at = private.clock() where r.id = v_turn.id;
  insert into public.training_disputes as d (turn_id, user_id, type, reason)
  values (v_turn.id, p_user_id, v_turn.type, left(coalesce(p_reason, ''), 500))
  returning d.id into v_id;
  return jsonb_build_object(
    'outcome', 'sent',
    'outgoing', private.notify_admins(
      'admin_training_dispute',
      jsonb_build_object(
        'user', v_user.telegram_id,
        'training', v_training.id::text,
        'scenario', v_training.scenario,
        'case', v_training.case_id,
        'number', v_turn.position,
        'question', left(v_turn.question, 500),
        'answer', coalesce(
          (
            select left(b.reply, 500)
              from public.training_turns as b
             where b.training_id = v_training.id and b.position = v_turn.position - 1
          ),
          '—'
        ),
        'type', v_turn.type,
        'why', v_turn.why,
        'points', v_turn.points,
        'reason', coalesce(nullif(left(p_reason, 500), ''), '—')
      ),
      jsonb_build_array(
        jsonb_build_array(
          jsonb_build_object('key', 'trainer_uphold_button', 'data', 'verdict:' || v_id || ':uphold'),
          jsonb_build_object('key', 'trainer_correct_button', 'data', 'verdict:' || v_id || ':correct')
        )
      ),
      p_bot => v_training.bot
    )
  );
end
$$;

revoke all on function public.dispute_training_turn from public, anon, authenticated, service_role;
grant execute on function public.dispute_training_turn to bot_backend;
comment on function public.dispute_training_turn is 'Disputes the points of a line of a finished training';

-- Returns how many exams of a scenario a user has begun: for a task, or without one within the last 24 hours. An exam is
-- begun with its first question. Who leaves a team and joins it again has used the attempts of before.
--
-- Concurrency: read-only; the caller has locked the user.
-- Locks: none.
-- Returns: integer
-- Errors: none.
create or replace function private.exams_begun(p_user_id bigint, p_bot text, p_scenario text, p_task_id bigint)
returns integer
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select count(*)::integer
    from public.trainings as t
    left join public.assignment_trainings as r on r.training_id = t.id
   where t.user_id = p_user_id
     and t.bot = p_bot
     and t.scenario = p_scenario
     and t.mode = 'exam'
     and t.first_question_at is not null
     and case
       when p_task_id is null then r.task_id is null and t.created_at > private.clock() - interval '1 day'
       else t.assigned_round = (
         select concat(k.assignment_id, ':', k.number) from public.assignment_tasks as k where k.id = p_task_id
       )
     end;
$$;

revoke all on function private.exams_begun from public, anon, authenticated, service_role;
comment on function private.exams_begun is 'Returns how many exams of a scenario a user has begun';

-- Finds a user's open training in a bot and locks it.
--
-- Concurrency: the caller holds the user's row or its key, so the training is not erased meanwhile.
-- Locks: the training.
-- Returns: public.trainings, null where there is none.
-- Errors: none.
create or replace function private.find_open_training(p_user_id bigint, p_bot text)
returns public.trainings
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select t.* from public.trainings as t where t.user_id = p_user_id and t.bot = p_bot and t.status = 'open' for update;
$$;

revoke all on function private.find_open_training from public, anon, authenticated, service_role;
comment on function private.find_open_training is 'Finds a users open training in a bot and locks it';

-- Finishes exams whose time is over, and sends their users a button to the result.
--
-- Concurrency: trainings that another transaction has locked are left to the next call; each is finished once.
-- Locks: users (NO KEY UPDATE SKIP LOCKED) by training, then as public.finish_training.
-- Returns: jsonb
--   outgoing
-- Errors: none.
create or replace function public.finish_expired_exams(p_limit integer default 50)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_exam record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_exam in
    select t.id, t.user_id, t.bot
      from public.trainings as t
     where t.mode = 'exam'
       and t.status = 'open'
       -- A question that was sent in time is answered first.
       and private.exam_ends_at(t) < private.clock() - interval '2 minutes'
       and coalesce(t.turn_lease_until, '-infinity') < private.clock()
     order by t.id
     limit p_limit
  loop
    perform from public.users as u where u.id = v_exam.user_id for no key update skip locked;
    continue when not found;
    if public.finish_training(v_exam.user_id, v_exam.id, 'time') ->> 'outcome' = 'finished' then
      v_outgoing := v_outgoing || private.enqueue_user_message(
        v_exam.user_id, v_exam.bot, 'trainer_exam_over', '{}',
        jsonb_build_array(
          jsonb_build_array(jsonb_build_object('key', 'trainer_result_button', 'data', 'result:' || v_exam.id))
        )
      );
    end if;
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.finish_expired_exams from public, anon, authenticated, service_role;
grant execute on function public.finish_expired_exams to bot_backend;
comment on function public.finish_expired_exams is 'Finishes exams whose time is over, and sends their users a button to the result';

-- Finishes a training: computes its score, stores it in the history, and awards XP and badges, once. With fewer questions
-- than the scenario wants it has no score and gives nothing; one that took less than the scenario's shortest time has a
-- score, but gives no XP and no day of the streak. A drill gives half of its score as XP.
--
-- p_reason: button, limit, target or time. p_case_data: what the history keeps of the case.
--
-- Concurrency: the user's row and the training are locked; a finished training returns its result again.
-- Locks: user (NO KEY UPDATE), training, session, then as private.award_xp, public.record_activity,
--   private.award_due_badges and private.count_for_task.
-- Returns: jsonb
--   outcome: 'finished' | 'known' | 'none'    (known: it was finished before; none: no such training, or abandoned)
--   result?: private.training_result          (finished, known)
-- Errors: none.
create or replace function public.finish_training(
  p_user_id bigint, p_training_id bigint, p_reason text, p_case_data jsonb default '{}'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_user public.users;
  v_training public.trainings;
  v_chains integer;
  v_bonuses jsonb;
  v_before jsonb;
  v_facts jsonb;
  v_awards jsonb := jsonb '{}';
  v_is_scored boolean;
  v_is_fast boolean;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id
     for update;
  if v_training.status = 'finished' then
    return jsonb_build_object('outcome', 'known', 'result', private.training_result(v_training));
  elsif v_training.status is distinct from 'open' then
    return jsonb_build_object('outcome', 'none');
  end if;

  v_now := private.clock();
  v_is_scored := v_training.question_count >= (v_training.rules ->> 'min_questions')::integer;
  v_is_fast := v_now - v_training.first_question_at < make_interval(secs => (v_training.rules ->> 'min_seconds')::integer);
  select count(*) into v_chains
    from jsonb_array_elements(v_training.rules -> 'hidden') as h (item)
   where v_training.revealed ? concat(h.item ->> 'id', ':', v_training.rules -> 'stages' -> -1 ->> 'id')
     and not v_training.rules -> 'given' ? concat(h.item ->> 'id', ':', v_training.rules -> 'stages' -> -1 ->> 'id');
  v_bonuses := private.training_bonuses(
    v_training.rules,
    v_training.points,
    (
      select coalesce(jsonb_object_agg(f.type, f.place), '{}')
        from (
          select r.type, min(r.position) as place
            from public.training_turns as r
           where r.training_id = v_training.id and r.why in ('counted', 'capped')
           group by r.type
        ) as f
    ),
    v_chains
  );
  if v_is_scored then
    select jsonb_build_object('score', h.score, 'clarity_level', h.clarity_level) into v_before
      from public.training_history as h
     where h.user_id = p_user_id
       and h.bot = v_training.bot
       and h.scenario = v_training.scenario
       and h.mode = v_training.mode
     order by h.id desc
     limit 1;
    insert into public.training_history (
      user_id, bot, reference, scenario, mode, score, clarity_level, question_count, contextual_questions,
      per_type_counts, case_data, session_snapshot, training_date
    )
    values (
      p_user_id, v_training.bot, concat(v_training.bot, ':', v_training.id), v_training.scenario, v_training.mode,
      (v_bonuses ->> 'score')::integer, v_training.clarity_level, v_training.question_count,
      v_training.contextual_questions, v_training.per_type_counts,
      p_case_data || jsonb_build_object('case_id', v_training.case_id),
      jsonb_build_object(
        'training_id', v_training.id, 'version', v_training.version, 'difficulty', v_training.difficulty,
        'drill_type', v_training.drill_type, 'language', v_training.language, 'revealed', v_training.revealed,
        'facts_given', v_training.facts_given, 'chains', v_chains, 'bonuses', v_bonuses, 'reason', p_reason,
        'started_at', v_training.created_at
      ),
      v_now
    );
    perform public.update_user_stats_after_training(v_user.telegram_id, v_training.bot);
    v_facts := private.training_facts(v_training, (v_bonuses ->> 'score')::integer, v_chains);
    v_awards := jsonb_build_object(
      'maestro_streak', private.maestro_streak(
        p_user_id, v_training.bot, v_training.scenario, (v_training.rules ->> 'maestro_score')::integer
      ),
      'xp', case
        when not v_is_fast and (v_bonuses ->> 'score')::integer > 1 then private.award_xp(
          p_user_id, v_training.bot, 'training_finished', concat(v_training.bot, ':', v_training.id),
          case when v_training.mode = 'drill' then (v_bonuses ->> 'score')::integer / 2
            else (v_bonuses ->> 'score')::integer end
        )
      end,
      'streak', case when not v_is_fast then public.record_activity(p_user_id, v_training.bot) end,
      'badges', private.award_due_badges(p_user_id, v_training.bot, v_facts)
    );
  end if;
  update public.trainings as t
     set status = 'finished',
         turn_reference = null,
         turn_lease_until = null,
         finished_at = v_now,
         updated_at = v_now,
         result = v_bonuses || jsonb_build_object(
           'is_scored', v_is_scored, 'is_fast', coalesce(v_is_fast, false), 'reason', p_reason, 'chains', v_chains,
           'before', v_before, 'maestro_streak', null, 'xp', null, 'streak', null,
           'badges', '[]'::jsonb
         ) || v_awards
   where t.id = v_training.id
  returning t.* into v_training;
  if v_is_scored then
    perform private.count_for_task(v_training);
  end if;
  return jsonb_build_object('outcome', 'finished', 'result', private.training_result(v_training));
end
$$;

revoke all on function public.finish_training from public, anon, authenticated, service_role;
grant execute on function public.finish_training to bot_backend;
comment on function public.finish_training is 'Finishes a training and awards what it gives';

-- Returns a user's finished trainings with a score, newest first. For our own code and, through rpc with the secret key,
-- for other services of the same owner.
--
-- p_bot: of one bot; null: of all.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   total: int             (of all, beyond the limit)
--   trainings: [ {
--     bot: text, reference: text, scenario: text, mode: 'practice' | 'drill' | 'exam', score: int, clarity_level: int,
--     question_count: int, contextual_questions: int, per_type_counts: { [text]: int }, case_data: jsonb,
--     session_snapshot: jsonb, training_date: timestamptz
--   } ]
-- Errors: none.
create or replace function public.get_training_history(
  p_telegram_id bigint, p_bot text default null, p_limit integer default 20, p_offset integer default 0
)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'total', (
      select count(*)
        from public.training_history as h
        join public.users as u on u.id = h.user_id
       where u.telegram_id = p_telegram_id and (p_bot is null or h.bot = p_bot)
    ),
    'trainings', (
      select coalesce(
          jsonb_agg(to_jsonb(n.entry) - array['id', 'user_id'] order by n.training_date desc, n.id desc), '[]'
        )
        from (
          select h as entry, h.id, h.training_date
            from public.training_history as h
            join public.users as u on u.id = h.user_id
           where u.telegram_id = p_telegram_id and (p_bot is null or h.bot = p_bot)
           order by h.training_date desc, h.id desc
           limit least(greatest(p_limit, 0), 200) offset greatest(p_offset, 0)
        ) as n
    )
  );
$$;

revoke all on function public.get_training_history from public, anon, authenticated, service_role;
grant execute on function public.get_training_history to bot_backend, service_role;
comment on function public.get_training_history is 'Returns a users finished trainings';

-- Returns the result of a user's finished training, to be opened again.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { result: private.training_result } | null    (null: no finished training of this user has the id)
-- Errors: none.
create or replace function public.get_training_result(p_user_id bigint, p_training_id bigint)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('result', private.training_result(t))
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id and t.status = 'finished';
$$;

revoke all on function public.get_training_result from public, anon, authenticated, service_role;
grant execute on function public.get_training_result to bot_backend;
comment on function public.get_training_result is 'Returns the result of a users finished training';

-- Returns how many of a user's latest finished trainings of a scenario reached a score, without a lower one between them.
-- Drills do not count.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: integer
-- Errors: none.
create or replace function private.maestro_streak(p_user_id bigint, p_bot text, p_scenario text, p_score integer)
returns integer
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select count(*)::integer
    from public.training_history as h
   where h.user_id = p_user_id
     and h.bot = p_bot
     and h.scenario = p_scenario
     and h.mode <> 'drill'
     and h.id > coalesce(
       (
         select max(l.id)
           from public.training_history as l
          where l.user_id = p_user_id
            and l.bot = p_bot
            and l.scenario = p_scenario
            and l.mode <> 'drill'
            and l.score < p_score
       ),
       0
     );
$$;

revoke all on function private.maestro_streak from public, anon, authenticated, service_role;
comment on function private.maestro_streak is 'Returns how many latest trainings in a row reached a score';

-- Returns whether an update may spend p_cost (US dollars) on AI calls within the daily cost limits of the user and the
-- bot, beside any request of the plan; if so, notes it on the update, so that questions at the same time see it.
--
-- Concurrency: the caller holds the update row.
-- Locks: as private.is_within_bot_cost_limit.
-- Returns: boolean
-- Errors: none.
create or replace function private.may_spend(p_update public.telegram_updates, p_cost numeric)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_day date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_user_limit numeric := private.setting('daily_cost_user')::numeric;
  v_bot_limit numeric := private.setting('daily_cost_bot')::numeric;
  v_open numeric;
begin
  select coalesce(sum(t.reserved_cost), 0) into v_open
    from public.telegram_updates as t
   where t.user_id = p_update.user_id
     and t.status = 'working'
     and t.lease_until > (select private.clock())
     and (t.bot, t.update_id) <> (p_update.bot, p_update.update_id);
  if v_user_limit > 0 and private.user_cost(p_update.user_id, v_day) + v_open + p_cost > v_user_limit then
    perform private.alert_cost_limit(p_update.bot, v_day, 'user_cost', p_update.user_id);
    return false;
  elsif v_bot_limit > 0
    and not private.is_within_bot_cost_limit(p_update.bot, v_day, p_update.update_id, p_cost, v_bot_limit)
  then
    perform private.alert_cost_limit(p_update.bot, v_day, 'bot_cost', p_update.user_id);
    return false;
  end if;
  update public.telegram_updates as t
     set reserved_cost = p_cost
   where t.bot = p_update.bot and t.update_id = p_update.update_id;
  return true;
end
$$;

revoke all on function private.may_spend from public, anon, authenticated, service_role;
comment on function private.may_spend is 'Returns whether an update may spend money on AI calls';

-- Records a turn that public.begin_training_turn began, and computes its points. The first one that counts consumes the
-- access to the training: a plan, a bonus credit or a free training, once.
--
-- p_turn: {question, reply, kind, type, is_contextual, used_fragment, touches, reveals, facts, source, is_repeated,
-- is_copied}. type `none`: it is no move, and nothing is counted. reveals (item:stage) and facts are what the client
-- discloses. Points come from the rules of the training only.
--
-- Concurrency: the user's row and the training are locked; a reference that was recorded returns its turn and changes
--   nothing, and a worker whose lease another update has taken changes nothing.
-- Locks: user (NO KEY UPDATE), training, then as public.consume_access.
-- Returns: jsonb
--   outcome: 'recorded' | 'known' | 'no_access' | 'superseded'   (superseded: the training is closed, or the lease is lost)
--   turn?: private.training_turn                                (recorded, known)
--   access?: private.resolve_access                             (no_access)
-- Errors: none.
create or replace function public.record_training_turn(
  p_user_id bigint, p_training_id bigint, p_reference text, p_turn jsonb
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_telegram_id bigint;
  v_training public.trainings;
  v_turn public.training_turns;
  v_access jsonb;
  v_type text := p_turn ->> 'type';
  v_count integer;
  v_why text;
  v_is_contextual boolean;
  v_reveals jsonb;
  v_points integer := 0;
begin
  select u.telegram_id into v_telegram_id from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id
     for update;
  select r.* into v_turn
    from public.training_turns as r
   where r.training_id = v_training.id and r.reference = p_reference;
  if found then
    return jsonb_build_object('outcome', 'known', 'turn', private.training_turn(v_training, v_turn));
  elsif v_training.status is distinct from 'open' or v_training.turn_reference is distinct from p_reference then
    return jsonb_build_object('outcome', 'superseded');
  end if;

  v_now := private.clock();
  v_count := coalesce((v_training.per_type_counts ->> v_type)::integer, 0);
  v_why := case
    when not exists (
      select from jsonb_array_elements(v_training.rules -> 'types') as t (type) where t.type ->> 'id' = v_type
    ) then 'none'
    when v_training.drill_type <> v_type then 'other_type'
    when (p_turn ->> 'is_repeated')::boolean then 'repeated'
    when v_count >= (
      select (t.type ->> 'cap')::integer
        from jsonb_array_elements(v_training.rules -> 'types') as t (type)
       where t.type ->> 'id' = v_type
    ) then 'capped'
    else 'counted'
  end;
  if v_why <> 'none' and v_training.access_type is null then
    v_access := public.consume_access(v_telegram_id, concat(v_training.bot, ':', v_training.id));
    if not (v_access ->> 'has_access')::boolean then
      update public.trainings as t set turn_reference = null, turn_lease_until = null where t.id = v_training.id;
      return jsonb_build_object(
        'outcome', 'no_access',
        'access', private.resolve_access((select u from public.users as u where u.id = p_user_id), 1)
      );
    end if;
    v_training.access_type := v_access ->> 'access_type';
  end if;

  v_is_contextual := v_why in ('counted', 'capped') and (p_turn ->> 'is_contextual')::boolean
    and not (p_turn ->> 'is_copied')::boolean;
  if v_why in ('counted', 'capped') then
    v_points := private.turn_points(v_training.rules, v_type, v_count, v_is_contextual);
    v_training.per_type_counts := v_training.per_type_counts || jsonb_build_object(v_type, v_count + 1);
  end if;
  -- Only what the rules know and the client has not disclosed yet.
  select coalesce(jsonb_agg(distinct r.key), '[]') into v_reveals
    from jsonb_array_elements_text(p_turn -> 'reveals') as r (key)
   where not v_training.revealed ? r.key
     and exists (
       select
         from jsonb_array_elements(v_training.rules -> 'hidden') as h (item)
         cross join jsonb_array_elements(v_training.rules -> 'stages') as g (stage)
        where concat(h.item ->> 'id', ':', g.stage ->> 'id') = r.key
     );
  update public.trainings as t
     set access_type = v_training.access_type,
         turns = t.turns + 1,
         question_count = t.question_count + (v_why <> 'none')::integer,
         contextual_questions = t.contextual_questions + v_is_contextual::integer,
         per_type_counts = v_training.per_type_counts,
         points = t.points + v_points,
         silent_count = case when v_why = 'none' then t.silent_count + 1 else 0 end,
         revealed = t.revealed || v_reveals,
         facts_given = t.facts_given || (
           select coalesce(jsonb_agg(f.id), '[]')
             from jsonb_array_elements_text(p_turn -> 'facts') as f (id)
            where not t.facts_given ? f.id
         ),
         clarity_level = private.training_clarity(t.rules, t.revealed || v_reveals),
         first_question_at = case when v_why = 'none' then t.first_question_at else coalesce(t.first_question_at, v_now) end,
         turn_reference = null,
         turn_lease_until = null,
         updated_at = v_now
   where t.id = v_training.id
  returning t.* into v_training;
  insert into public.training_turns as r (
    training_id, reference, position, question, reply, kind, type, why, is_contextual, is_copied, used_fragment,
    touches, revealed, source, points, clarity_level, created_at
  )
  values (
    v_training.id, p_reference, v_training.turns, p_turn ->> 'question', p_turn ->> 'reply', p_turn ->> 'kind',
    v_type, v_why, v_is_contextual, (p_turn ->> 'is_copied')::boolean, p_turn ->> 'used_fragment',
    p_turn -> 'touches', v_reveals, p_turn ->> 'source', v_points, v_training.clarity_level, v_now
  )
  returning r.* into v_turn;
  return jsonb_build_object('outcome', 'recorded', 'turn', private.training_turn(v_training, v_turn));
end
$$;

revoke all on function public.record_training_turn from public, anon, authenticated, service_role;
grant execute on function public.record_training_turn to bot_backend;
comment on function public.record_training_turn is 'Records a turn of a training and computes its points';

-- Computes the points of a finished training's lines and its score again, after a label was corrected: as
-- public.record_training_turn and public.finish_training did. Clarity and chains stay: the client has said what it said.
--
-- Concurrency: the caller has locked the training.
-- Locks: turns, history row.
-- Returns: public.trainings, with the new result.
-- Errors: none.
create or replace function private.recount_training(p_training public.trainings)
returns public.trainings
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_turn public.training_turns;
  v_counts jsonb := '{}'::jsonb;
  v_first jsonb := '{}'::jsonb;
  v_count integer;
  v_cap integer;
  v_points integer := 0;
  v_bonuses jsonb;
  v_training public.trainings := p_training;
begin
  for v_turn in
    select r.* from public.training_turns as r where r.training_id = p_training.id order by r.position
  loop
    if v_turn.why in ('counted', 'capped') then
      select (t.type ->> 'cap')::integer into v_cap
        from jsonb_array_elements(p_training.rules -> 'types') as t (type)
       where t.type ->> 'id' = v_turn.type;
      v_count := coalesce((v_counts ->> v_turn.type)::integer, 0);
      v_turn.points := private.turn_points(p_training.rules, v_turn.type, v_count, v_turn.is_contextual);
      update public.training_turns as r
         set points = v_turn.points, why = case when v_count >= v_cap then 'capped' else 'counted' end
       where r.id = v_turn.id;
      v_first := jsonb_build_object(v_turn.type, v_turn.position) || v_first;
      v_counts := v_counts || jsonb_build_object(v_turn.type, v_count + 1);
      v_points := v_points + v_turn.points;
    end if;
  end loop;
  v_bonuses := private.training_bonuses(p_training.rules, v_points, v_first, (p_training.result ->> 'chains')::integer);
  update public.trainings as t
     set per_type_counts = v_counts,
         points = v_points,
         contextual_questions = (
           select count(*) from public.training_turns as r where r.training_id = t.id and r.is_contextual
         ),
         question_count = (
           select count(*) from public.training_turns as r where r.training_id = t.id and r.why <> 'none'
         ),
         result = t.result || v_bonuses
   where t.id = p_training.id
  returning t.* into v_training;
  update public.training_history as h
     set score = (v_bonuses ->> 'score')::integer,
         per_type_counts = v_training.per_type_counts,
         contextual_questions = v_training.contextual_questions,
         question_count = v_training.question_count,
         session_snapshot = h.session_snapshot || jsonb_build_object('bonuses', v_bonuses)
   where h.user_id = v_training.user_id
     and h.bot = v_training.bot
     and h.reference = concat(v_training.bot, ':', v_training.id);
  return v_training;
end
$$;

revoke all on function private.recount_training from public, anon, authenticated, service_role;
comment on function private.recount_training is 'Computes the points of a finished training''s lines and its score again, after a label was corrected';

-- Stores a finished training of another service of the owner, once per user, bot and reference. Our own trainer stores
-- its trainings itself (public.finish_training). It awards nothing: see public.award_xp.
--
-- p_training: {scenario, score, clarity_level, question_count} and, where there are any, {mode, contextual_questions,
-- per_type_counts, case_data, session_snapshot, training_date}. Counts are whole numbers; the date is not in the future,
-- and the whole has at most 256 kB.
--
-- Concurrency: the reference is unique; a repeated one stores nothing.
-- Locks: user (KEY SHARE).
-- Returns: boolean, true where it is stored now.
-- Errors: Z0004 no such user; S0001 the bot's name is invalid; Z0002 the training or the reference is invalid; Z0003 the
--   reference was used with another score or scenario.
create or replace function public.save_training_history(
  p_telegram_id bigint, p_bot text, p_reference text, p_training jsonb
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id bigint;
  v_row public.training_history;
begin
  perform private.check_bot_name(p_bot);
  if coalesce(p_reference, '') not like '_%:_%' or length(p_reference) > 200 then
    raise exception 'a reference of the form service:number is required' using errcode = 'Z0002';
  end if;
  select u.id into v_user_id from public.users as u where u.telegram_id = p_telegram_id for key share;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  if jsonb_typeof(p_training) is distinct from 'object' or length(p_training::text) > 262144 then
    raise exception 'the training is invalid' using errcode = 'Z0002';
  end if;
  begin
    v_row := jsonb_populate_record(
      null::public.training_history,
      jsonb_build_object(
        'mode', 'practice', 'contextual_questions', 0, 'per_type_counts', '{}'::jsonb, 'case_data', '{}'::jsonb,
        'session_snapshot', '{}'::jsonb, 'training_date', private.clock()
      ) || p_training
    );
    if length(v_row.scenario) > 64
      or v_row.training_date not between '2000-01-01' and private.clock() + interval '1 day'
      or exists (
        select
          from jsonb_each(v_row.per_type_counts) as c
         where length(c.key) > 64 or c.value::text !~ '^[0-9]{1,6}$'
      )
    then
      raise exception 'the training is invalid' using errcode = 'Z0002';
    end if;
    insert into public.training_history (
      user_id, bot, reference, scenario, mode, score, clarity_level, question_count, contextual_questions,
      per_type_counts, case_data, session_snapshot, training_date
    )
    values (
      v_user_id, p_bot, p_reference, v_row.scenario, v_row.mode, v_row.score, v_row.clarity_level,
      v_row.question_count, v_row.contextual_questions, v_row.per_type_counts, v_row.case_data,
      v_row.session_snapshot, v_row.training_date
    )
    on conflict (user_id, bot, reference) do nothing;
  exception
    when check_violation or not_null_violation or invalid_text_representation or invalid_datetime_format
      or datetime_field_overflow or numeric_value_out_of_range or invalid_parameter_value
    then
      raise exception 'the training is invalid' using errcode = 'Z0002';
  end;
  if found then
    return true;
  end if;
  if not exists (
    select
      from public.training_history as h
     where h.user_id = v_user_id
       and h.bot = p_bot
       and h.reference = p_reference
       and (h.scenario, h.score) = (v_row.scenario, v_row.score)
  ) then
    raise exception 'the reference was used with another score or scenario' using errcode = 'Z0003';
  end if;
  return false;
end
$$;

revoke all on function public.save_training_history from public, anon, authenticated, service_role;
grant execute on function public.save_training_history to bot_backend, service_role;
comment on function public.save_training_history is 'Stores a finished training of another service';

-- Starts a training. A user has one open training in a bot: with p_replace it is abandoned, otherwise it goes on.
--
-- p_rules: weights, caps, bonuses and limits of the scenario at this version, the hidden items of the case with their
-- weights, and `given`, the stages that are disclosed at the start. Nothing is consumed yet: public.record_training_turn
-- does that at the first question. An exam may be begun as often as its rules say: for one task, or without a task within 24
-- hours. One that was given up before its first question does not count.
--
-- p_task_id: the task of a team that it is played for (private.link_training_to_task).
--
-- Concurrency: the user's row is locked, so two starts at once are one after the other; a known reference starts nothing.
-- Locks: user (NO KEY UPDATE), the open training.
-- Returns: jsonb
--   outcome: 'started' | 'open' | 'no_access' | 'no_attempts'    (open: another training is open, and p_replace is false)
--   training?: private.training_state            (started, open)
--   access?: private.resolve_access              (no_access)
-- Errors: Z0004 no such user; Z0009 the rules are incomplete.
create or replace function public.start_training(
  p_user_id bigint, p_bot text, p_scenario text, p_version integer, p_case text, p_mode text, p_drill_type text,
  p_difficulty text, p_language text, p_rules jsonb, p_reference text, p_replace boolean default false,
  p_task_id bigint default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_user public.users;
  v_training public.trainings;
begin
  if not p_rules ?& array[
    'types', 'stages', 'hidden', 'given', 'bonuses', 'min_questions', 'max_questions', 'max_turns', 'min_seconds',
    'target_clarity', 'maestro_score'
  ] or (p_mode = 'exam') <> (p_rules ? 'exam') then
    raise exception 'the rules of a training are incomplete' using errcode = 'Z0009';
  end if;
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  select t.* into v_training from public.trainings as t where t.user_id = p_user_id and t.reference = p_reference;
  if found then
    return jsonb_build_object('outcome', 'started', 'training', private.training_state(v_training));
  end if;
  v_training := private.find_open_training(p_user_id, p_bot);
  if v_training.id is not null and not p_replace then
    return jsonb_build_object('outcome', 'open', 'training', private.training_state(v_training));
  elsif not (private.resolve_access(v_user, 1) ->> 'has_access')::boolean then
    return jsonb_build_object('outcome', 'no_access', 'access', private.resolve_access(v_user, 1));
  elsif p_mode = 'exam'
    and private.exams_begun(p_user_id, p_bot, p_scenario, p_task_id) >= (p_rules -> 'exam' ->> 'attempts')::integer
  then
    return jsonb_build_object('outcome', 'no_attempts');
  end if;
  update public.trainings as t
     set status = 'abandoned', finished_at = v_now, updated_at = v_now, turn_reference = null, turn_lease_until = null
   where t.id = v_training.id;
  insert into public.trainings as t (
    user_id, bot, scenario, version, case_id, mode, drill_type, difficulty, language, rules, revealed, reference,
    created_at, updated_at
  )
  values (
    p_user_id, p_bot, p_scenario, p_version, p_case, p_mode, p_drill_type, p_difficulty, p_language, p_rules,
    p_rules -> 'given', p_reference, v_now, v_now
  )
  returning t.* into v_training;
  if p_task_id is not null then
    perform private.link_training_to_task(v_training, p_task_id);
  end if;
  return jsonb_build_object('outcome', 'started', 'training', private.training_state(v_training));
end
$$;

revoke all on function public.start_training from public, anon, authenticated, service_role;
grant execute on function public.start_training to bot_backend;
comment on function public.start_training is 'Starts a training';

-- Returns what the trainer shows before a training: the open one, the cases that were played last, and the access.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   open: private.training_state | null
--   recent_cases: { [text]: [ text ] }    (by scenario, the last five, newest first)
--   access: private.resolve_access
-- Errors: none.
create or replace function public.trainer_overview(p_user_id bigint, p_bot text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'open', (
        select private.training_state(t)
          from public.trainings as t
         where t.user_id = u.id and t.bot = p_bot and t.status = 'open'
      ),
      'recent_cases', (
        select coalesce(jsonb_object_agg(c.scenario, c.cases), '{}')
          from (
            select r.scenario, jsonb_agg(r.case_id order by r.id desc) as cases
              from (
                select t.scenario, t.case_id, t.id,
                  row_number() over (partition by t.scenario order by t.id desc) as place
                  from public.trainings as t
                 where t.user_id = u.id and t.bot = p_bot
              ) as r
             where r.place <= 5
             group by r.scenario
          ) as c
      ),
      'access', private.resolve_access(u, 1)
    )
    from public.users as u
   where u.id = p_user_id;
$$;

revoke all on function public.trainer_overview from public, anon, authenticated, service_role;
grant execute on function public.trainer_overview to bot_backend;
comment on function public.trainer_overview is 'Returns what the trainer shows before a training';

-- Computes the points of a training that belong to no single question.
--
-- p_points: of its questions, with what was added for context and taken for too many of a type. p_first {type: number}:
-- when each type was asked for the first time. p_chains: hidden items that are disclosed up to their last stage, without
-- those that were given.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: jsonb
--   questions: int         (p_points)
--   coverage: int          (every type was asked)
--   order: int             (types were asked in the order of the scenario)
--   depth: int             (chains)
--   score: int             (the sum, at least 0)
-- Errors: none.
create or replace function private.training_bonuses(p_rules jsonb, p_points integer, p_first jsonb, p_chains integer)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_bonuses jsonb := p_rules -> 'bonuses';
  v_coverage integer := 0;
  v_order integer := 0;
  v_depth integer := 0;
begin
  if not exists (
    select from jsonb_array_elements(p_rules -> 'types') as t (type) where not p_first ? (t.type ->> 'id')
  ) then
    v_coverage := (v_bonuses ->> 'coverage')::integer;
  end if;
  if jsonb_typeof(v_bonuses -> 'order') = 'object' and (
    select bool_and(coalesce(o.place >= o.earlier, o.place is not null))
      from (
        select (p_first ->> n.name)::integer as place, lag((p_first ->> n.name)::integer) over (order by n.number) as earlier
          from jsonb_array_elements_text(v_bonuses -> 'order' -> 'types') with ordinality as n (name, number)
      ) as o
  ) then
    v_order := (v_bonuses -> 'order' ->> 'points')::integer;
  end if;
  if jsonb_typeof(v_bonuses -> 'depth') = 'object' then
    v_depth := (v_bonuses -> 'depth' ->> 'points')::integer * least(p_chains, (v_bonuses -> 'depth' ->> 'most')::integer);
  end if;
  return jsonb_build_object(
    'questions', p_points, 'coverage', v_coverage, 'order', v_order, 'depth', v_depth,
    'score', greatest(p_points + v_coverage + v_order + v_depth, 0)
  );
end
$$;

revoke all on function private.training_bonuses from public, anon, authenticated, service_role;
comment on function private.training_bonuses is 'Computes the points of a training that belong to no single question';

-- Returns how much of what the client hides is disclosed: the weight of the stages, in percent of the weight that was
-- hidden at the start.
--
-- p_rules: of a training; `given` are the stages that a drill discloses at its start. p_revealed: item:stage.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: integer, 0 to 100.
-- Errors: none.
create or replace function private.training_clarity(p_rules jsonb, p_revealed jsonb)
returns integer
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      round(
        100.0 * sum(s.weight) filter (where p_revealed ? s.key and not p_rules -> 'given' ? s.key)
          / nullif(sum(s.weight) filter (where not p_rules -> 'given' ? s.key), 0)
      ),
      0
    )::integer
    from (
      select concat(h.item ->> 'id', ':', g.stage ->> 'id') as key,
        (h.item ->> 'weight')::integer * (g.stage ->> 'share')::integer as weight
        from jsonb_array_elements(p_rules -> 'hidden') as h (item)
        cross join jsonb_array_elements(p_rules -> 'stages') as g (stage)
    ) as s;
$$;

revoke all on function private.training_clarity from public, anon, authenticated, service_role;
comment on function private.training_clarity is 'Returns how much of what the client hides is disclosed, in percent';

-- Returns the figures of a user's finished trainings that badges ask for. Those of a scenario that is not named like its
-- bot begin with its name: best_score of spin, objections_best_score.
--
-- p_training: just finished, its row of public.training_history stored.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, numbers by name: total_trainings; of the scenario best_score, score, clarity, chains,
--   contextual_questions and maestro_streak.
-- Errors: none.
create or replace function private.training_facts(p_training public.trainings, p_score integer, p_chains integer)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'total_trainings', (
        select count(*)
          from public.training_history as h
         where h.user_id = p_training.user_id and h.bot = p_training.bot
      )
    ) || case when p_training.mode = 'drill' then '{}' else (
      select jsonb_object_agg(
          case when p_training.scenario = p_training.bot then f.key else concat(p_training.scenario, '_', f.key) end,
          f.value
        )
        from jsonb_each(
          jsonb_build_object(
            'best_score', (
              select max(h.score)
                from public.training_history as h
               where h.user_id = p_training.user_id
                 and h.bot = p_training.bot
                 and h.scenario = p_training.scenario
                 and h.mode <> 'drill'
            ),
            'score', p_score,
            'clarity', p_training.clarity_level,
            'chains', p_chains,
            'contextual_questions', p_training.contextual_questions,
            'maestro_streak', private.maestro_streak(
              p_training.user_id, p_training.bot, p_training.scenario, (p_training.rules ->> 'maestro_score')::integer
            )
          )
        ) as f
    ) end;
$$;

revoke all on function private.training_facts from public, anon, authenticated, service_role;
comment on function private.training_facts is 'Returns the figures that badges ask for';

-- Returns a turn of a training as the bot shows it, with the counts of the training.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   position: int
--   kind: text
--   type: text             (of the scenario, or none)
--   points: int
--   why: 'counted' | 'none' | 'repeated' | 'capped' | 'other_type'
--   is_contextual: boolean
--   reply: text
--   clarity_level: int     (after this turn)
--   question_count: int
--   silent_count: int
--   may_finish: boolean    (the target clarity is reached, and there were enough questions)
--   is_over: boolean       (a limit is reached)
-- Errors: none.
create or replace function private.training_turn(p_training public.trainings, p_turn public.training_turns)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'position', p_turn.position,
    'kind', p_turn.kind,
    'type', p_turn.type,
    'points', p_turn.points,
    'why', p_turn.why,
    'is_contextual', p_turn.is_contextual,
    'reply', p_turn.reply,
    'clarity_level', p_turn.clarity_level,
    'question_count', p_training.question_count,
    'silent_count', p_training.silent_count,
    'may_finish', p_training.mode <> 'exam'
      and p_training.question_count >= (p_training.rules ->> 'min_questions')::integer
      and p_turn.clarity_level >= (p_training.rules ->> 'target_clarity')::integer,
    'is_over', p_training.question_count >= (p_training.rules ->> 'max_questions')::integer
      or p_training.turns >= (p_training.rules ->> 'max_turns')::integer
  );
$$;

revoke all on function private.training_turn from public, anon, authenticated, service_role;
comment on function private.training_turn is 'Returns a turn of a training';

-- Computes the points of a question that counts.
--
-- p_rules: of the training. p_count: how many questions of its type there were before.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: integer, negative where too many of a type cost points.
-- Errors: none.
create or replace function private.turn_points(p_rules jsonb, p_type text, p_count integer, p_is_contextual boolean)
returns integer
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select (
      select case when p_count < (t.type ->> 'cap')::integer then (t.type ->> 'weight')::integer else 0 end
        from jsonb_array_elements(p_rules -> 'types') as t (type)
       where t.type ->> 'id' = p_type
    )
    + case when p_is_contextual then (p_rules -> 'bonuses' ->> 'contextual')::integer else 0 end
    - case
        when p_rules -> 'bonuses' -> 'excess' ->> 'type' = p_type
          and p_count >= (p_rules -> 'bonuses' -> 'excess' ->> 'beyond')::integer
          then (p_rules -> 'bonuses' -> 'excess' ->> 'points')::integer
        else 0
      end;
$$;

revoke all on function private.turn_points from public, anon, authenticated, service_role;
comment on function private.turn_points is 'Computes the points of a question that counts';

-- Brings the statistics of a user's private session with a bot up to date with the training history, from which they
-- are computed: {total_trainings, total_questions, total_score, best_score, last_training_date}. Other keys stay.
--
-- Concurrency: computed from the history, so a repeated call changes nothing; see public.save_user_session.
-- Locks: user (NO KEY UPDATE), session.
-- Returns: jsonb
--   total_trainings: int
--   total_questions: int
--   total_score: int
--   best_score: int
--   last_training_date: timestamptz | null
-- Errors: Z0004 no such user; S0001 the bot's name is invalid.
create or replace function public.update_user_stats_after_training(p_telegram_id bigint, p_bot text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id bigint;
  v_stats jsonb;
begin
  perform private.check_bot_name(p_bot);
  select u.id into v_user_id from public.users as u where u.telegram_id = p_telegram_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  select jsonb_build_object(
      'total_trainings', count(*),
      'total_questions', coalesce(sum(h.question_count), 0),
      'total_score', coalesce(sum(h.score), 0),
      'best_score', coalesce(max(h.score), 0),
      'last_training_date', max(h.training_date)
    )
    into v_stats
    from public.training_history as h
   where h.user_id = v_user_id and h.bot = p_bot;
  perform public.save_user_session(p_telegram_id, p_bot, p_stats => v_stats);
  return v_stats;
end
$$;

revoke all on function public.update_user_stats_after_training from public, anon, authenticated, service_role;
grant execute on function public.update_user_stats_after_training to bot_backend, service_role;
comment on function public.update_user_stats_after_training is 'Brings a sessions statistics up to date with the training history';

-- Decides whether a user's question may go to the AI, and reserves a request for it: from the plan while its day and
-- its month both have one left, then from bonus credits. Checks in this order: requests left, daily cost of the user,
-- daily cost of the bot, questions in progress. On a user API key only the last one applies.
--
-- p_timezone: the setting quota_timezone. p_cost: the most that the question may cost in US dollars. The reserved cost
-- of other questions in progress is added to what was spent, so the cost limits also hold for questions that arrive
-- together.
--
-- Concurrency: the user's row is locked, so two questions never pass a check together. The caller holds the update
--   row and calls only while that has no reservation.
-- Locks: user (NO KEY UPDATE), near the bot's cost limit an advisory lock of the bot, then daily_usage and
--   monthly_usage.
-- Returns: record
--   reservation
--     reserved     with the day it counts for (and so the month) and its source (plan | bonus)
--     user_api_key      nothing is taken
--     refused      no requests left
--     user_cost, bot_cost   the daily cost limit is reached
--     in_progress  the user has as many questions in progress as allowed
--   releases_left: how many failed requests may still be released today
--   plan and what follows it: as private.quota returns them, with this request counted; null on a user API key
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function private.reserve_usage(
  p_user_id bigint,
  p_bot text,
  p_update_id bigint,
  p_cost numeric,
  p_is_user_api_key boolean,
  p_timezone text,
  out reservation text,
  out reserved_on date,
  out reserved_from text,
  out releases_left integer,
  out plan text,
  out features text[],
  out history_length integer,
  out requests integer,
  out daily_requests integer,
  out resets_at timestamptz,
  out month_requests integer,
  out monthly_requests integer,
  out month_resets_at timestamptz,
  out timezone text
)
returns record
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_user record;
  v_quota record;
  v_settings jsonb;
  v_questions integer;
  v_user_cost numeric;
  v_bot_cost numeric;
  v_limits record;
begin
  select u.vip_level, u.bonus_credits into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'the user was erased at this moment' using errcode = '40001';
  end if;
  v_now := private.clock();  -- waiting for the lock takes time
  select jsonb_object_agg(s.key, s.value) into v_settings
    from private.settings as s
   where s.key in ('questions_in_progress', 'daily_releases', 'daily_cost_user', 'daily_cost_bot');
  v_questions := (v_settings ->> 'questions_in_progress')::integer;
  v_user_cost := (v_settings ->> 'daily_cost_user')::numeric;
  v_bot_cost := (v_settings ->> 'daily_cost_bot')::numeric;
  select
    count(*) as open_questions,
    count(*) filter (where t.reservation = 'reserved') as open_requests,
    coalesce(sum(t.reserved_cost), 0) as open_cost
    into v_limits
    from public.telegram_updates as t
   where t.user_id = p_user_id
     -- Behind a subquery, so that the planner takes the user's rows and not telegram_updates_open_idx: that holds the open
     -- updates of all users, but looks smaller.
     and t.status = (select 'working')
     and t.lease_until > v_now
     and t.reservation in ('reserved', 'user_api_key', 'settled')
     and (t.bot, t.update_id) <> (p_bot, p_update_id);

  if p_is_user_api_key then
    reservation := case when v_limits.open_questions < v_questions then 'user_api_key' else 'in_progress' end;
    return;
  end if;
  v_quota := private.quota(p_user_id, v_user.vip_level, p_timezone);
  plan := v_quota.plan;
  features := v_quota.features;
  history_length := v_quota.history_length;
  requests := v_quota.requests;
  daily_requests := v_quota.daily_requests;
  resets_at := v_quota.resets_at;
  month_requests := v_quota.month_requests;
  monthly_requests := v_quota.monthly_requests;
  month_resets_at := v_quota.month_resets_at;
  timezone := v_quota.timezone;
  if coalesce(v_quota.requests < v_quota.daily_requests, true)
    and coalesce(v_quota.month_requests < v_quota.monthly_requests, true)
  then
    reserved_from := 'plan';
  elsif v_user.bonus_credits > 0 then
    reserved_from := 'bonus';
  end if;
  reservation := case
    when reserved_from is null then 'refused'
    when v_user_cost > 0
      and private.user_cost(p_user_id, v_quota.day) + v_limits.open_cost + p_cost > v_user_cost then 'user_cost'
    when v_bot_cost > 0
      and not private.is_within_bot_cost_limit(p_bot, v_quota.day, p_update_id, p_cost, v_bot_cost) then 'bot_cost'
    when v_limits.open_questions >= v_questions then 'in_progress'
    else 'reserved'
  end;
  if reservation <> 'reserved' then
    reserved_from := null;
    if reservation in ('user_cost', 'bot_cost') then
      perform private.alert_cost_limit(p_bot, v_quota.day, reservation, p_user_id);
    end if;
    return;
  end if;

  reserved_on := v_quota.day;
  if reserved_from = 'bonus' then
    update public.users as u set bonus_credits = u.bonus_credits - 1 where u.id = p_user_id;
  else
    requests := requests + 1;
    month_requests := month_requests + 1;
  end if;
  insert into public.daily_usage as u (user_id, bot, day, requests, bonus_requests)
  values (
    p_user_id, p_bot, v_quota.day, (reserved_from = 'plan')::integer, (reserved_from = 'bonus')::integer
  )
  on conflict (user_id, day, bot) do update
    set requests = u.requests + excluded.requests,
        bonus_requests = u.bonus_requests + excluded.bonus_requests;
  insert into public.monthly_usage as u (user_id, month, requests, bonus_requests)
  values (
    p_user_id, v_quota.month, (reserved_from = 'plan')::integer, (reserved_from = 'bonus')::integer
  )
  on conflict (user_id, month) do update
    set requests = u.requests + excluded.requests,
        bonus_requests = u.bonus_requests + excluded.bonus_requests;
  releases_left := greatest((v_settings ->> 'daily_releases')::integer - v_limits.open_requests - v_quota.releases, 0);
end
$$;

revoke all on function private.reserve_usage from public, anon, authenticated, service_role;
comment on function private.reserve_usage is 'Decides whether a question may go to the AI, and reserves a request';

-- Awards a badge to a user, once per badge and bot. Called by our own code and, with the secret key, by other services of
-- the same owner. The badge need not be in the table badges, which holds those with a condition. Creates no user.
--
-- Concurrency: see private.award_badge: of several calls at once one returns true.
-- Locks: user (KEY SHARE).
-- Returns: boolean, true once: when the user receives the badge now.
-- Errors: Z0002 the name of the badge, the bot or the metadata are invalid; Z0004 no such user.
create or replace function public.award_badge(
  p_telegram_id bigint, p_bot text, p_badge text, p_metadata jsonb default '{}'
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.award_badge(
    (select u.id from public.users as u where u.telegram_id = p_telegram_id), p_bot, p_badge, p_metadata
  );
end
$$;

revoke all on function public.award_badge from public, anon, authenticated, service_role;
grant execute on function public.award_badge to bot_backend, service_role;
comment on function public.award_badge is 'Awards a badge to a user, once';

-- Awards the badges of a bot, and those of no bot, whose condition the user's figures meet. p_facts: figures by name, for
-- example {"best_score": 190}; total_xp, level and streak are added here. A condition on a figure that is missing is not met.
--
-- Concurrency: see private.award_badge: each badge is returned by one call only.
-- Locks: user (KEY SHARE).
-- Returns: jsonb
--   [ text ]               (the badges that the user receives now, in alphabetical order)
-- Errors: Z0004 no such user.
create or replace function private.award_due_badges(p_user_id bigint, p_bot text, p_facts jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_facts jsonb;
  v_badge public.badges;
  v_awarded jsonb := jsonb '[]';
begin
  select p_facts || jsonb_build_object(
      'total_xp', u.total_xp, 'level', u.level, 'streak', public.get_streak(u.id) -> 'current'
    ) into v_facts
    from public.users as u
   where u.id = p_user_id;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  for v_badge in
    select b.*
      from public.badges as b
     where b.bot in (p_bot, '')
       and private.meets_condition(b.condition, v_facts)
       and not exists (
         select
           from public.user_badges as h
          where h.user_id = p_user_id and h.badge = b.badge and h.bot = b.bot
       )
     order by b.badge, b.bot
  loop
    if private.award_badge(p_user_id, v_badge.bot, v_badge.badge, jsonb_build_object('earned_in', p_bot)) then
      v_awarded := v_awarded || to_jsonb(v_badge.badge);
    end if;
  end loop;
  return v_awarded;
end
$$;

revoke all on function private.award_due_badges from public, anon, authenticated, service_role;
comment on function private.award_due_badges is 'Awards the badges whose condition a user''s figures meet';

-- Gives a user XP, once per user, rule and reference. Called by our own code and, with the secret key, by other services of
-- the same owner. Without p_points the rule gives as many as its row in xp_rules says. The rule correction also takes XP
-- (negative points), down to zero. Creates no user.
--
-- Concurrency: see private.award_xp: of fifty calls with one reference one awards, and only its result can say leveled_up.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   awarded: boolean       (false: the reference is known, or the limits of the day left nothing)
--   points: int            (that this reference gave, now or before; negative: a correction)
--   leveled_up: boolean    (only in the call that awarded)
--   old_level: int
--   new_level: int
--   total_xp: bigint
-- Errors: Z0002, Z0003, Z0004, Z0008, see private.award_xp.
create or replace function public.award_xp(
  p_telegram_id bigint, p_bot text, p_rule text, p_reference text, p_points integer default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.award_xp(
    (select u.id from public.users as u where u.telegram_id = p_telegram_id), p_bot, p_rule, p_reference, p_points
  );
end
$$;

revoke all on function public.award_xp from public, anon, authenticated, service_role;
grant execute on function public.award_xp to bot_backend, service_role;
comment on function public.award_xp is 'Gives a user XP, once per rule and reference';

-- Returns lines of one board for users in the order of their places. Only the first rank is computed as board_rank does; each
-- further one adds how many ranked users are in between, which are few.
--
-- Concurrency: read-only; exact within one snapshot, so its callers are stable functions.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     rank: bigint,          (users with equal XP share a rank: 1, 2, 2, 4)
--     name: text | null,     (null: the user chose none; show number)
--     number: int,
--     xp: bigint,
--     level: int
--   } ]
-- Errors: none.
create or replace function private.board_entries(
  p_board text, p_period text, p_starts_on date, p_user_ids bigint[]
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_line record;
  v_rank bigint;
  v_better_xp bigint;
  v_entries jsonb := jsonb '[]';
begin
  for v_line in
    select u.id as user_id, u.level, s.xp, p.name
      from unnest(p_user_ids) with ordinality as i (id, position)
      join public.users as u on u.id = i.id
      join public.board_scores as s
        on s.user_id = i.id and s.board = p_board and s.period = p_period and s.starts_on = p_starts_on
      left join public.board_profiles as p on p.user_id = i.id
     order by i.position
  loop
    -- A query for each gap: for all at once the planner expects so many rows that it compiles (JIT) for 10 ms.
    if v_rank is null then
      v_rank := private.board_rank(p_board, p_period, p_starts_on, v_line.xp);
    elsif v_line.xp < v_better_xp then
      v_rank := v_rank
        + (
          select coalesce(sum(h.n), 0)
            from public.board_histogram as h
           where h.board = p_board and h.period = p_period and h.starts_on = p_starts_on
             and h.lvl = 0 and h.k between v_line.xp + 1 and v_better_xp
        )
        + (
          select coalesce(
              sum(
                (c.new_xp between v_line.xp + 1 and v_better_xp)::integer
                - (c.old_xp between v_line.xp + 1 and v_better_xp)::integer
              ),
              0
            )
            from public.board_changes as c
           where c.board = p_board and c.period = p_period and c.starts_on = p_starts_on
        );
    end if;
    v_better_xp := v_line.xp;
    v_entries := v_entries || jsonb_build_object(
      'rank', v_rank,
      'name', v_line.name,
      'number', private.board_number(v_line.user_id),
      'xp', v_line.xp,
      'level', v_line.level
    );
  end loop;
  return v_entries;
end
$$;

revoke all on function private.board_entries from public, anon, authenticated, service_role;
comment on function private.board_entries is 'Returns lines of a board for scores in the order of their places';

-- Returns the number by which a user without a display name is shown on boards: five digits that do not tell users.id. Two
-- users may have the same.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: integer, 10000 to 99999, always the same for a user.
-- Errors: none.
create or replace function private.board_number(p_user_id bigint)
returns integer
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select 10000 + mod(abs(hashtextextended(p_user_id::text, 4821) / 2), 90000)::integer;
$$;

revoke all on function private.board_number from public, anon, authenticated, service_role;
comment on function private.board_number is 'Returns the number by which a user is shown on boards';

-- Returns the place of a number of XP on a board: 1 + how many ranked users have more. Exact, and as fast with a million
-- users as with a thousand.
--
-- Concurrency: read-only; exact within one snapshot, so its callers are stable functions.
-- Locks: none.
-- Returns: bigint
-- Errors: none.
create or replace function private.board_rank(p_board text, p_period text, p_starts_on date, p_xp bigint)
returns bigint
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  -- One query a level: joined in one, the planner may read the whole histogram.
  select 1
    + (
      select coalesce(sum(h.n), 0)
        from public.board_histogram as h
       where h.board = p_board and h.period = p_period and h.starts_on = p_starts_on
         and h.lvl = 0 and h.k between p_xp + 1 and p_xp | 63
    )::bigint
    + (
      select coalesce(sum(h.n), 0)
        from public.board_histogram as h
       where h.board = p_board and h.period = p_period and h.starts_on = p_starts_on
         and h.lvl = 1 and h.k between (p_xp >> 6) + 1 and (p_xp >> 6) | 63
    )::bigint
    + (
      select coalesce(sum(h.n), 0)
        from public.board_histogram as h
       where h.board = p_board and h.period = p_period and h.starts_on = p_starts_on
         and h.lvl = 2 and h.k between (p_xp >> 12) + 1 and (p_xp >> 12) | 63
    )::bigint
    + (
      select coalesce(sum(h.n), 0)
        from public.board_histogram as h
       where h.board = p_board and h.period = p_period and h.starts_on = p_starts_on
         and h.lvl = 3 and h.k between (p_xp >> 18) + 1 and 9223372036854775807
    )::bigint
    + (
      select coalesce(sum((c.new_xp > p_xp)::integer - (c.old_xp > p_xp)::integer), 0)
        from public.board_changes as c
       where c.board = p_board and c.period = p_period and c.starts_on = p_starts_on
    );
$$;

revoke all on function private.board_rank from public, anon, authenticated, service_role;
comment on function private.board_rank is 'Returns the place of a number of XP on a board';

-- Counts the users who have a place on a board, hidden ones included.
--
-- Concurrency: read-only; exact within one snapshot, so its callers are stable functions.
-- Locks: none.
-- Returns: bigint
-- Errors: none.
create or replace function private.board_total(p_board text, p_period text, p_starts_on date)
returns bigint
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      (
        select sum(h.n)
          from public.board_histogram as h
         where h.board = p_board and h.period = p_period and h.starts_on = p_starts_on and h.lvl = 3
      ),
      0
    )::bigint
    + coalesce(
      (
        select sum((c.new_xp > 0)::integer - (c.old_xp > 0)::integer)
          from public.board_changes as c
         where c.board = p_board and c.period = p_period and c.starts_on = p_starts_on
      ),
      0
    );
$$;

revoke all on function private.board_total from public, anon, authenticated, service_role;
comment on function private.board_total is 'Counts the users who have a place on a board';

-- Counts the different badges of a user, of all bots or of one.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: integer, how many; 0 for an unknown user, too.
-- Errors: none.
create or replace function public.count_badges(p_telegram_id bigint, p_bot text default null)
returns integer
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select count(distinct b.badge)
      from public.user_badges as b
      join public.users as u on u.id = b.user_id
     where u.telegram_id = p_telegram_id
       and b.revoked_at is null
       and (p_bot is null or b.bot = p_bot)
  );
end
$$;

revoke all on function public.count_badges from public, anon, authenticated, service_role;
grant execute on function public.count_badges to bot_backend, service_role;
comment on function public.count_badges is 'Counts the different badges of a user';

-- Deletes the scores and the histogram of days and weeks that began more than 14 days ago, after folding what waits.
--
-- Concurrency: rows that another transaction has locked are skipped. The histogram is only touched under the advisory lock of
--   private.fold_board_changes.
-- Locks: advisory lock of the boards (tried), board_scores (FOR UPDATE SKIP LOCKED), board_histogram.
-- Returns: integer, how many scores; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_boards(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before constant date := (private.clock() at time zone private.setting('quota_timezone'))::date - 14;
  v_count integer;
begin
  delete from public.board_scores as s
   using (
     select o.user_id, o.board, o.period, o.starts_on
       from public.board_scores as o
      where o.period <> 'all' and o.starts_on < v_before
      order by o.starts_on
      limit p_limit
        for update skip locked
   ) as old
   where s.user_id = old.user_id and s.board = old.board and s.period = old.period and s.starts_on = old.starts_on;
  get diagnostics v_count = row_count;
  perform private.fold_board_changes();
  if v_count < p_limit and pg_try_advisory_xact_lock(hashtextextended('board_changes', 0)) then
    delete from public.board_histogram as h
     where (h.board, h.period, h.starts_on, h.lvl, h.k) in (
       select o.board, o.period, o.starts_on, o.lvl, o.k
         from public.board_histogram as o
        where o.period <> 'all' and o.starts_on < v_before
        order by o.starts_on
        limit p_limit
     );
  end if;
  return v_count;
end
$$;

revoke all on function private.delete_old_boards from public, anon, authenticated, service_role;
comment on function private.delete_old_boards is 'Deletes the boards of past days and weeks';

-- Adds up to p_limit committed changes of boards to board_histogram and deletes them. Every fiftieth award does so, and the
-- sweep.
--
-- Concurrency: an advisory lock that is only tried lets one transaction at a time fold; no one waits for it. A reader sees a
--   change either in board_changes or in board_histogram, because both are written in one statement.
-- Locks: advisory lock of the boards (tried), board_changes, board_histogram.
-- Returns: integer, how many changes; 0 while another transaction folds.
-- Errors: none.
create or replace function private.fold_board_changes(p_limit integer default 5000)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('board_changes', 0)) then
    return 0;
  end if;
  with gone as (
    delete from public.board_changes as c
     where c.id in (select o.id from public.board_changes as o order by o.id limit p_limit)
    returning c.*
  ), sums as (
    select g.board, g.period, g.starts_on, l.lvl, x.xp >> (6 * l.lvl) as k, sum(x.count) as n
      from gone as g
     cross join lateral (values (g.old_xp, -1), (g.new_xp, 1)) as x (xp, count)
     cross join generate_series(0, 3) as l (lvl)
     where x.xp > 0
     group by g.board, g.period, g.starts_on, l.lvl, x.xp >> (6 * l.lvl)
    having sum(x.count) <> 0
  ), stored as (
    insert into public.board_histogram as h (board, period, starts_on, lvl, k, n)
    select s.board, s.period, s.starts_on, s.lvl, s.k, s.n from sums as s
    on conflict (board, period, starts_on, lvl, k) do update set n = h.n + excluded.n
  )
  select count(*) into v_count from gone;
  return v_count;
end
$$;

revoke all on function private.fold_board_changes from public, anon, authenticated, service_role;
comment on function private.fold_board_changes is 'Adds changes of boards to board_histogram';

-- Returns a part of a board: of one bot, or of all together (p_board ''), and of today, this week (from Monday) or all time, in
-- the time zone of the setting quota_timezone. Users with equal XP share a rank; the first to reach them comes first. Hidden
-- users count and have a rank, but are left out; banned users and admins have none.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   board: text
--   period: 'day' | 'week' | 'all'
--   starts_on: date | null     (null: all time)
--   total: bigint              (users with a rank, hidden ones included)
--   entries: private.board_entries
-- Errors: Z0002, no such period.
create or replace function public.get_leaderboard(
  p_limit integer default 10, p_offset integer default 0, p_board text default '', p_period text default 'all'
)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_starts_on constant date := private.period_start(p_period, private.clock());
begin
  return jsonb_build_object(
    'board', p_board,
    'period', p_period,
    'starts_on', nullif(v_starts_on, date 'epoch'),
    'total', private.board_total(p_board, p_period, v_starts_on),
    'entries', private.board_entries(
      p_board, p_period, v_starts_on, array(
        select s.user_id
          from public.board_scores as s
         where s.board = p_board
           and s.period = p_period
           and s.starts_on = v_starts_on
           and s.is_listed
           and s.xp > 0
         order by -s.xp, s.reached_at, s.user_id
         limit least(greatest(p_limit, 0), 100)
        offset least(greatest(p_offset, 0), 10000)
      )
    )
  );
end
$$;

revoke all on function public.get_leaderboard from public, anon, authenticated, service_role;
grant execute on function public.get_leaderboard to bot_backend, service_role;
comment on function public.get_leaderboard is 'Returns a part of a board';

-- Returns what a user's profile shows of XP, over all bots.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   {
--     first_name: text,
--     name: text | null,             (display name on boards)
--     number: int,                   (shown there without a name)
--     is_hidden: boolean,
--     total_xp: bigint,
--     level: int,
--     level_name: text,              (levels.name_key)
--     level_xp: bigint,              (XP at which the level begins)
--     next_level_xp: bigint | null,  (null: the highest level)
--     rank: bigint | null,           (of all time and all bots; null: none)
--     total: bigint,                 (users with a rank)
--     badges: [ { badge: text, bot: text, metadata: jsonb, earned_at: timestamptz } ],
--     streak: private.streak_state,
--     bots: [ { bot: text, xp: bigint } ]   (the most XP first)
--   } | null                         (no such user)
-- Errors: none.
create or replace function public.get_profile(p_user_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_profile public.board_profiles;
  v_level public.levels;
  v_is_ranked boolean;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id;
  if not found then
    return null;
  end if;
  select p.* into v_profile from public.board_profiles as p where p.user_id = p_user_id;
  select l.* into v_level from public.levels as l where l.level = v_user.level;
  v_is_ranked := v_user.total_xp > 0 and v_user.banned_at is null and not v_user.is_admin;
  return jsonb_build_object(
    'first_name', v_user.first_name,
    'name', v_profile.name,
    'number', private.board_number(p_user_id),
    'is_hidden', coalesce(v_profile.is_hidden, false),
    'total_xp', v_user.total_xp,
    'level', v_user.level,
    'level_name', coalesce(v_level.name_key, 'novice'),
    'level_xp', coalesce(v_level.min_xp, 0),
    'next_level_xp', (select min(l.min_xp) from public.levels as l where l.level > v_user.level),
    'rank', case when v_is_ranked then private.board_rank('', 'all', 'epoch', v_user.total_xp) end,
    'total', private.board_total('', 'all', 'epoch'),
    'badges', public.get_user_badges(v_user.telegram_id),
    'streak', public.get_streak(p_user_id),
    'bots', (
      select coalesce(jsonb_agg(jsonb_build_object('bot', s.board, 'xp', s.xp) order by s.xp desc, s.board), '[]')
        from public.board_scores as s
       where s.user_id = p_user_id and s.period = 'all' and s.board <> '' and s.xp > 0
    )
  );
end
$$;

revoke all on function public.get_profile from public, anon, authenticated, service_role;
grant execute on function public.get_profile to bot_backend;
comment on function public.get_profile is 'Returns what a user''s profile shows of XP';

-- Returns a user's streak as it is now.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   ...private.streak_state
-- Errors: none.
create or replace function public.get_streak(p_user_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_streak public.streaks;
begin
  select s.* into v_streak from public.streaks as s where s.user_id = p_user_id;
  return private.streak_state(v_streak, private.clock());
end
$$;

revoke all on function public.get_streak from public, anon, authenticated, service_role;
grant execute on function public.get_streak to bot_backend;
comment on function public.get_streak is 'Returns a user''s streak as it is now';

-- Lists the badges of a user, of all bots or of one, oldest first. A badge that was earned in two bots is listed twice.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { badge: text, bot: text, metadata: jsonb, earned_at: timestamptz } ]   (empty for an unknown user, too)
-- Errors: none.
create or replace function public.get_user_badges(p_telegram_id bigint, p_bot text default null)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(
        jsonb_agg(
          jsonb_build_object('badge', b.badge, 'bot', b.bot, 'metadata', b.metadata, 'earned_at', b.earned_at)
          order by b.earned_at, b.badge, b.bot
        ),
        '[]'
      )
      from public.user_badges as b
      join public.users as u on u.id = b.user_id
     where u.telegram_id = p_telegram_id
       and b.revoked_at is null
       and (p_bot is null or b.bot = p_bot)
  );
end
$$;

revoke all on function public.get_user_badges from public, anon, authenticated, service_role;
grant execute on function public.get_user_badges to bot_backend, service_role;
comment on function public.get_user_badges is 'Lists the badges of a user';

-- Returns a user's place on a board (see public.get_leaderboard), with up to two listed users above and two below. A hidden
-- user has a rank that only this function tells.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   rank: bigint | null        (null: no XP there, banned, an admin, or unknown)
--   xp: bigint
--   total: bigint              (users with a rank)
--   is_hidden: boolean
--   above: private.board_entries   (the best first)
--   below: private.board_entries
-- Errors: Z0002, no such period.
create or replace function public.get_user_rank(
  p_telegram_id bigint, p_board text default '', p_period text default 'all'
)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_starts_on constant date := private.period_start(p_period, private.clock());
  v_score public.board_scores;
  v_result jsonb;
  v_above bigint[];
  v_below bigint[];
  v_count integer;
  v_entries jsonb;
begin
  select s.* into v_score
    from public.users as u
    join public.board_scores as s
      on s.user_id = u.id and s.board = p_board and s.period = p_period and s.starts_on = v_starts_on
   where u.telegram_id = p_telegram_id;
  v_result := jsonb_build_object(
    'rank', null,
    'xp', coalesce(v_score.xp, 0),
    'total', private.board_total(p_board, p_period, v_starts_on),
    'is_hidden', exists (
      select
        from public.board_profiles as p
        join public.users as u on u.id = p.user_id
       where u.telegram_id = p_telegram_id and p.is_hidden
    ),
    'above', '[]'::jsonb,
    'below', '[]'::jsonb
  );
  if coalesce(v_score.xp, 0) = 0 or not v_score.is_ranked then
    return v_result;
  end if;
  v_above := array(
    select s.user_id
      from public.board_scores as s
     where s.board = p_board
       and s.period = p_period
       and s.starts_on = v_starts_on
       and s.is_listed
       and s.xp > 0
       and (-s.xp, s.reached_at, s.user_id) < (-v_score.xp, v_score.reached_at, v_score.user_id)
     order by -s.xp desc, s.reached_at desc, s.user_id desc
     limit 2
  );
  v_below := array(
    select s.user_id
      from public.board_scores as s
     where s.board = p_board
       and s.period = p_period
       and s.starts_on = v_starts_on
       and s.is_listed
       and s.xp > 0
       and (-s.xp, s.reached_at, s.user_id) > (-v_score.xp, v_score.reached_at, v_score.user_id)
     order by -s.xp, s.reached_at, s.user_id
     limit 2
  );
  v_count := cardinality(v_above);
  v_entries := private.board_entries(
    p_board, p_period, v_starts_on,
    array(select a.id from unnest(v_above) with ordinality as a (id, position) order by a.position desc)
      || v_score.user_id || v_below
  );
  return v_result || jsonb_build_object(
    'rank', v_entries #> array[v_count::text, 'rank'],
    'above', (
      select coalesce(jsonb_agg(e.value order by e.position), '[]')
        from jsonb_array_elements(v_entries) with ordinality as e (value, position)
       where e.position <= v_count
    ),
    'below', (
      select coalesce(jsonb_agg(e.value order by e.position), '[]')
        from jsonb_array_elements(v_entries) with ordinality as e (value, position)
       where e.position > v_count + 1
    )
  );
end
$$;

revoke all on function public.get_user_rank from public, anon, authenticated, service_role;
grant execute on function public.get_user_rank to bot_backend, service_role;
comment on function public.get_user_rank is 'Returns a user''s place on a board';

-- Returns whether a user has a badge, in any bot or in one.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function public.has_badge(p_telegram_id bigint, p_badge text, p_bot text default null)
returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select
      from public.user_badges as b
      join public.users as u on u.id = b.user_id
     where u.telegram_id = p_telegram_id
       and b.badge = p_badge
       and b.revoked_at is null
       and (p_bot is null or b.bot = p_bot)
  );
end
$$;

revoke all on function public.has_badge from public, anon, authenticated, service_role;
grant execute on function public.has_badge to bot_backend, service_role;
comment on function public.has_badge is 'Returns whether a user has a badge';

-- Returns whether an activity now counts for yesterday: until 03:00 local time, if yesterday alone is missing, once a streak.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.has_grace(p_streak public.streaks, p_now timestamptz)
returns boolean
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today constant date := private.local_day(p_streak, p_now);
begin
  return p_streak.current > 0
    and not p_streak.grace_used
    and p_streak.paused_on is null
    and (p_now at time zone coalesce(p_streak.time_zone, private.setting('quota_timezone')))::time < '03:00'
    and private.missed_days(p_streak, v_today) = 1
    and private.missed_days(p_streak, v_today - 1) = 0;
end
$$;

revoke all on function private.has_grace from public, anon, authenticated, service_role;
comment on function private.has_grace is 'Returns whether an activity now counts for yesterday';

-- Awards a badge to a user, once per badge and bot (public.award_badge for other SQL functions). A badge that was revoked
-- stays revoked.
--
-- Concurrency: of several calls at once the primary key of user_badges lets one insert.
-- Locks: user (KEY SHARE).
-- Returns: boolean, true once: when the user receives the badge now.
-- Errors: Z0002 the name of the badge, the bot or the metadata are invalid; Z0004 no such user.
create or replace function private.award_badge(
  p_user_id bigint, p_bot text, p_badge text, p_metadata jsonb default '{}'
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(p_bot, ' ') !~ '^([a-z][a-z0-9_]{0,31})?$' or coalesce(p_badge, '') !~ '^[a-z][a-z0-9_]{0,63}$'
    or coalesce(jsonb_typeof(p_metadata), '') <> 'object' or octet_length(p_metadata::text) > 4000
  then
    raise exception 'the badge, the bot or the metadata are invalid' using errcode = 'Z0002';
  end if;
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  insert into public.user_badges (user_id, badge, bot, metadata)
  values (p_user_id, p_badge, p_bot, p_metadata)
  on conflict (user_id, badge, bot) do nothing;
  return found;
end
$$;

revoke all on function private.award_badge from public, anon, authenticated, service_role;
comment on function private.award_badge is 'Awards a badge to a user, once';

-- Gives a user XP, once per user, rule and reference (public.award_xp for other SQL functions). The limits of the rule may
-- lower the points, also to zero; such an award is recorded too, so that a repetition does not give them later.
--
-- Concurrency: calls for one user are serialized by the user's row lock, so a repeated reference finds the row of the first
--   call. total_xp and level change in the same statement.
-- Locks: user (NO KEY UPDATE), then as private.move_on_boards; private.fold_board_changes waits for none.
-- Returns: jsonb
--   ...public.award_xp
-- Errors: Z0002 the points, the bot or the reference are invalid; Z0003 the reference was used with other points or in another bot;
--   Z0004 no such user; Z0008 no such rule, or it needs points.
create or replace function private.award_xp(
  p_user_id bigint, p_bot text, p_rule text, p_reference text, p_points integer default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_rule public.xp_rules;
  v_known public.xp_awards;
  v_reference text := p_reference;
  v_requested integer;
  v_points integer;
  v_old_level integer;
  v_new_level integer;
  v_total bigint;
  v_id bigint;
begin
  select r.* into v_rule
    from public.xp_rules as r
   where r.rule = p_rule and r.bot in (p_bot, '')
   order by r.bot desc
   limit 1;
  v_requested := coalesce(p_points, v_rule.points);
  if v_requested is null or v_rule.rule is null then
    raise exception 'no such XP rule, or it needs points' using errcode = 'Z0008';
  elsif abs(v_requested) > 1000000 or (v_requested < 0 and p_rule <> 'correction')
    or coalesce(p_bot, ' ') !~ '^([a-z][a-z0-9_]{0,31})?$' or coalesce(p_reference, '') = '' or length(p_reference) > 200
  then
    raise exception 'the points, the bot or the reference are invalid' using errcode = 'Z0002';
  elsif v_rule.is_once then
    v_reference := 'once:' || v_rule.bot;
  end if;

  select u.total_xp, u.level into v_total, v_old_level from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  select a.* into v_known
    from public.xp_awards as a
   where a.user_id = p_user_id and a.rule = p_rule and a.reference = v_reference;
  if found then
    if not v_rule.is_once
      and (v_known.bot <> p_bot or (p_points is not null and v_known.requested <> p_points))
    then
      raise exception 'the reference was used with other points or in another bot' using errcode = 'Z0003';
    end if;
    return jsonb_build_object(
      'awarded', false, 'points', v_known.points, 'leveled_up', false,
      'old_level', v_old_level, 'new_level', v_old_level, 'total_xp', v_total
    );
  end if;

  v_points := greatest(private.limited_points(p_user_id, p_bot, v_rule, v_requested, v_now), -v_total);
  insert into public.xp_awards (user_id, bot, rule, reference, requested, points, created_at)
  values (p_user_id, p_bot, p_rule, v_reference, v_requested, v_points, v_now)
  returning id into v_id;
  v_total := v_total + v_points;
  v_new_level := private.xp_level(v_total);
  if v_points <> 0 then
    update public.users as u set total_xp = v_total, level = v_new_level where u.id = p_user_id;
    perform private.move_on_boards(p_user_id, p_bot, v_points, v_rule.has_periods, v_now);
    if v_id % 50 = 0 then
      perform private.fold_board_changes();
    end if;
  end if;
  return jsonb_build_object(
    'awarded', v_points <> 0, 'points', v_points, 'leveled_up', v_new_level > v_old_level,
    'old_level', v_old_level, 'new_level', v_new_level, 'total_xp', v_total
  );
end
$$;

revoke all on function private.award_xp from public, anon, authenticated, service_role;
comment on function private.award_xp is 'Gives a user XP, once per rule and reference';

-- Returns a time zone under its IANA name, if there is one. Abbreviations and POSIX rules, which `at time zone` also accepts,
-- are none.
--
-- Concurrency: adds a row of private.time_zones once.
-- Locks: none.
-- Returns: text, the name; null for anything else.
-- Errors: none.
create or replace function private.known_time_zone(p_name text)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text;
begin
  if exists (select from private.time_zones as z where z.name = p_name) then
    return p_name;
  elsif coalesce(p_name, '') !~ '^([A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+){1,2}|UTC)$' or length(p_name) > 64 then
    return null;
  end if;
  -- Cheap, and refuses most wrong names before all files are read.
  perform private.clock() at time zone p_name;
  select n.name into v_name from pg_timezone_names as n where n.name = p_name;
  if found then
    insert into private.time_zones (name) values (v_name) on conflict (name) do nothing;
  end if;
  return v_name;
exception when invalid_parameter_value then
  return null;
end
$$;

revoke all on function private.known_time_zone from public, anon, authenticated, service_role;
comment on function private.known_time_zone is 'Returns a time zone under its IANA name, if there is one';

-- Takes a user off all boards for good, before an erasure deletes the user.
--
-- Concurrency: the caller has locked the user exclusively, so no award adds a score.
-- Locks: the user's rows of board_scores.
-- Returns: void
-- Errors: none.
create or replace function private.leave_boards(p_user_id bigint)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with gone as (
    delete from public.board_scores as s where s.user_id = p_user_id
    returning s.board, s.period, s.starts_on, s.xp, s.is_ranked
  )
  insert into public.board_changes (board, period, starts_on, old_xp, new_xp)
  select g.board, g.period, g.starts_on, g.xp, 0 from gone as g where g.is_ranked and g.xp > 0;
$$;

revoke all on function private.leave_boards from public, anon, authenticated, service_role;
comment on function private.leave_boards is 'Takes a user off all boards for good';

-- Returns the points of an award after the limits of its rule: the percent of the day's next award, then what the cap of the
-- day leaves. Days are those of the setting quota_timezone.
--
-- Concurrency: the caller holds the user's row, so no other award of the user is stored meanwhile.
-- Locks: none.
-- Returns: integer
-- Errors: none.
create or replace function private.limited_points(
  p_user_id bigint, p_bot text, p_rule public.xp_rules, p_points integer, p_now timestamptz
)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_timezone text;
  v_count integer;
  v_sum bigint;
  v_points bigint := p_points;
begin
  if p_rule.daily_cap is null and p_rule.daily_percent is null then
    return p_points;
  end if;
  v_timezone := private.setting('quota_timezone');
  select count(*), coalesce(sum(a.points), 0) into v_count, v_sum
    from public.xp_awards as a
   where a.user_id = p_user_id
     and a.rule = p_rule.rule
     and a.created_at >= date_trunc('day', p_now at time zone v_timezone) at time zone v_timezone
     and a.bot = p_bot
     and a.points > 0;
  if p_rule.daily_percent is not null then
    v_points := v_points * p_rule.daily_percent[least(v_count + 1, cardinality(p_rule.daily_percent))] / 100;
  end if;
  return case when p_rule.daily_cap is null then v_points else least(v_points, greatest(p_rule.daily_cap - v_sum, 0)) end;
end
$$;

revoke all on function private.limited_points from public, anon, authenticated, service_role;
comment on function private.limited_points is 'Returns the points of an award after the limits of its rule';

-- Returns the date of a moment in the time zone of a streak.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: date
-- Errors: none.
create or replace function private.local_day(p_streak public.streaks, p_at timestamptz)
returns date
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (p_at at time zone coalesce(p_streak.time_zone, private.setting('quota_timezone')))::date;
end
$$;

revoke all on function private.local_day from public, anon, authenticated, service_role;
comment on function private.local_day is 'Returns the date of a moment in the time zone of a streak';

-- Locks a user's streak, creates its row if needed, and returns it as it is now (private.settled_streak).
--
-- Concurrency: the user's row is locked first, as for awards.
-- Locks: user (NO KEY UPDATE).
-- Returns: public.streaks
-- Errors: Z0004, no such user.
create or replace function private.lock_streak(p_user_id bigint)
returns public.streaks
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_streak public.streaks;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  insert into public.streaks (user_id) values (p_user_id) on conflict (user_id) do nothing;
  select s.* into v_streak from public.streaks as s where s.user_id = p_user_id;
  return private.settled_streak(v_streak, private.clock());
end
$$;

revoke all on function private.lock_streak from public, anon, authenticated, service_role;
comment on function private.lock_streak is 'Locks a user''s streak and returns it as it is now';

-- Returns whether figures meet a badge's condition (private.is_badge_condition). A figure that is missing or no number meets
-- nothing.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.meets_condition(p_condition jsonb, p_facts jsonb)
returns boolean
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_all constant boolean := p_condition ? 'all';
  v_test jsonb;
  v_fact numeric;
  v_limit numeric;
  v_is_met boolean;
begin
  for v_test in
    select t.value from jsonb_array_elements(p_condition -> case when v_is_all then 'all' else 'any' end) as t (value)
  loop
    v_fact := case when jsonb_typeof(p_facts -> (v_test ->> 0)) = 'number' then (p_facts ->> (v_test ->> 0))::numeric end;
    v_limit := (v_test ->> 2)::numeric;
    v_is_met := coalesce(
      case v_test ->> 1
        when '>=' then v_fact >= v_limit
        when '>' then v_fact > v_limit
        when '=' then v_fact = v_limit
        when '<' then v_fact < v_limit
        when '<=' then v_fact <= v_limit
      end,
      false
    );
    if v_is_met <> v_is_all then
      return v_is_met;
    end if;
  end loop;
  return v_is_all;
end
$$;

revoke all on function private.meets_condition from public, anon, authenticated, service_role;
comment on function private.meets_condition is 'Returns whether figures meet a badge''s condition';

-- Counts the days that a streak has missed before a day: those after last_day, without an excused one and without those of a
-- pause.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: integer
-- Errors: none.
create or replace function private.missed_days(p_streak public.streaks, p_day date)
returns integer
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    greatest(
      e.day - p_streak.last_day - 1
        - coalesce((p_streak.excused_on > p_streak.last_day and p_streak.excused_on < e.day)::integer, 0),
      0
    ),
    0
  )
  from (select least(p_day, p_streak.paused_on) as day) as e;
$$;

revoke all on function private.missed_days from public, anon, authenticated, service_role;
comment on function private.missed_days is 'Counts the days that a streak has missed before a day';

-- Moves a user on the boards of all bots and of one bot by the points of an award: all time, and with p_has_periods the day
-- and the week. Nothing goes below zero.
--
-- Concurrency: the caller holds the user's row, so the user's scores do not change meanwhile. Rows that users share are only
--   added (board_changes), so awards of different users do not wait for each other.
-- Locks: the user's rows of board_scores.
-- Returns: void
-- Errors: none.
create or replace function private.move_on_boards(
  p_user_id bigint, p_bot text, p_points integer, p_has_periods boolean, p_now timestamptz
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today constant date := (p_now at time zone private.setting('quota_timezone'))::date;
  v_monday constant date := date_trunc('week', v_today::timestamp)::date;
  v_is_ranked boolean;
  v_is_listed boolean;
begin
  select u.banned_at is null and not u.is_admin, u.banned_at is null and not u.is_admin and not coalesce(p.is_hidden, false)
    into v_is_ranked, v_is_listed
    from public.users as u
    left join public.board_profiles as p on p.user_id = u.id
   where u.id = p_user_id;
  with moved as (
    select b.board, t.period, t.starts_on, coalesce(s.xp, 0) as old_xp, greatest(coalesce(s.xp, 0) + p_points, 0) as new_xp
      from (select '' as board union select p_bot) as b
     cross join (values ('all', date 'epoch'), ('day', v_today), ('week', v_monday)) as t (period, starts_on)
      left join public.board_scores as s
        on s.user_id = p_user_id and s.board = b.board and s.period = t.period and s.starts_on = t.starts_on
     where p_has_periods or t.period = 'all'
  ), stored as (
    insert into public.board_scores as s (user_id, board, period, starts_on, xp, reached_at, is_ranked, is_listed)
    select p_user_id, m.board, m.period, m.starts_on, m.new_xp, p_now, v_is_ranked, v_is_listed from moved as m
    on conflict (user_id, board, period, starts_on) do update
      set xp = excluded.xp, reached_at = excluded.reached_at, is_ranked = excluded.is_ranked, is_listed = excluded.is_listed
  )
  insert into public.board_changes (board, period, starts_on, old_xp, new_xp)
  select m.board, m.period, m.starts_on, m.old_xp, m.new_xp
    from moved as m
   where v_is_ranked and m.old_xp <> m.new_xp;
end
$$;

revoke all on function private.move_on_boards from public, anon, authenticated, service_role;
comment on function private.move_on_boards is 'Moves a user on the boards by the points of an award';

-- Pauses a user's streak from today on, or lets it go on. Days of a pause are neither missed nor counted.
--
-- Concurrency: the user's row is locked; a repetition changes nothing.
-- Locks: user (NO KEY UPDATE), streak.
-- Returns: jsonb
--   ...private.streak_state
-- Errors: Z0004, no such user.
create or replace function public.pause_streak(p_user_id bigint, p_paused boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_streak public.streaks := private.lock_streak(p_user_id);
  v_today constant date := private.local_day(v_streak, v_now);
begin
  if not p_paused then
    v_streak := private.resumed_streak(v_streak, v_today);
  elsif v_streak.paused_on is null then
    v_streak.paused_on := v_today;
  end if;
  perform private.store_streak(v_streak);
  return private.streak_state(v_streak, v_now);
end
$$;

revoke all on function public.pause_streak from public, anon, authenticated, service_role;
grant execute on function public.pause_streak to bot_backend;
comment on function public.pause_streak is 'Pauses a user''s streak or lets it go on';

-- Returns when a period of a board begins: the day, or the Monday of the week, in the time zone of the setting
-- quota_timezone; for all time 1970-01-01.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: date
-- Errors: Z0002, no such period.
create or replace function private.period_start(p_period text, p_now timestamptz)
returns date
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_period = 'all' then
    return date 'epoch';
  elsif p_period in ('day', 'week') then
    return date_trunc(p_period, p_now at time zone private.setting('quota_timezone'))::date;
  end if;
  raise exception 'no such period' using errcode = 'Z0002';
end
$$;

revoke all on function private.period_start from public, anon, authenticated, service_role;
comment on function private.period_start is 'Returns when a period of a board begins';

-- Counts board_histogram anew from board_scores, for example after scores were loaded in bulk. Awards wait meanwhile.
--
-- Concurrency: the tables are locked, so no award is lost or counted twice.
-- Locks: tables board_scores, board_changes and board_histogram (EXCLUSIVE): readers go on.
-- Returns: void
-- Errors: none.
create or replace function private.rebuild_board_histogram()
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  lock table public.board_scores, public.board_changes, public.board_histogram in exclusive mode;
  delete from public.board_changes;
  delete from public.board_histogram;
  insert into public.board_histogram (board, period, starts_on, lvl, k, n)
  select s.board, s.period, s.starts_on, l.lvl, s.xp >> (6 * l.lvl), count(*)
    from public.board_scores as s
   cross join generate_series(0, 3) as l (lvl)
   where s.is_ranked and s.xp > 0
   group by 1, 2, 3, 4, 5;
end
$$;

revoke all on function private.rebuild_board_histogram from public, anon, authenticated, service_role;
comment on function private.rebuild_board_histogram is 'Counts board_histogram anew from board_scores';

-- Counts a finished piece of work of a user for the streak, once a local day. A missed day costs a freeze if there are enough for
-- all missed days, else the streak begins anew. Every seventh day earns a freeze, two at most. An activity ends a pause.
--
-- Concurrency: the user's row is locked, so of several calls on a day one counts.
-- Locks: user (NO KEY UPDATE), streak.
-- Returns: jsonb
--   current: int
--   longest: int
--   freezes: int
--   is_new_day: boolean    (false: the day had counted)
--   froze: int             (freezes spent now for missed days)
-- Errors: Z0004, no such user.
create or replace function public.record_activity(p_user_id bigint, p_bot text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_streak public.streaks := private.lock_streak(p_user_id);
  v_today constant date := private.local_day(v_streak, v_now);
  v_day date := v_today;
  v_missed integer;
  v_froze integer := 0;
  v_is_new_day boolean;
begin
  v_streak := private.resumed_streak(v_streak, v_today);
  v_is_new_day := coalesce(v_streak.last_day < v_today, true);
  if v_is_new_day then
    v_missed := private.missed_days(v_streak, v_today);
    if private.has_grace(v_streak, v_now) then
      v_day := v_today - 1;
      v_streak.grace_used := true;
      v_streak.current := v_streak.current + 1;
    elsif v_missed <= v_streak.freezes then
      v_froze := v_missed;
      v_streak.freezes := v_streak.freezes - v_froze;
      v_streak.current := v_streak.current + 1;
    else
      v_streak.current := 1;
      v_streak.grace_used := false;
    end if;
    v_streak.last_day := v_day;
    v_streak.longest := greatest(v_streak.longest, v_streak.current);
    if v_streak.current % 7 = 0 then
      v_streak.freezes := least(v_streak.freezes + 1, 2);
    end if;
  end if;
  v_streak.last_bot := p_bot;
  perform private.store_streak(v_streak);
  return jsonb_build_object(
    'current', v_streak.current, 'longest', v_streak.longest, 'freezes', v_streak.freezes,
    'is_new_day', v_is_new_day, 'froze', v_froze
  );
end
$$;

revoke all on function public.record_activity from public, anon, authenticated, service_role;
grant execute on function public.record_activity to bot_backend;
comment on function public.record_activity is 'Counts a finished piece of work for the streak, once a local day';

-- Takes a user off the boards or puts them back, after a ban, an unban, a change of the admins, or of what the user hides.
--
-- Concurrency: derives the state from the current rows, so a repetition changes nothing. The caller holds the user's row, as
--   awards do.
-- Locks: the user's rows of board_scores.
-- Returns: void
-- Errors: none.
create or replace function private.refresh_board_scores(p_user_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_ranked boolean;
  v_is_listed boolean;
begin
  select u.banned_at is null and not u.is_admin, u.banned_at is null and not u.is_admin and not coalesce(p.is_hidden, false)
    into v_is_ranked, v_is_listed
    from public.users as u
    left join public.board_profiles as p on p.user_id = u.id
   where u.id = p_user_id;
  insert into public.board_changes (board, period, starts_on, old_xp, new_xp)
  select s.board, s.period, s.starts_on, case when s.is_ranked then s.xp else 0 end, case when v_is_ranked then s.xp else 0 end
    from public.board_scores as s
   where s.user_id = p_user_id and s.is_ranked <> v_is_ranked and s.xp > 0;
  update public.board_scores as s
     set is_ranked = v_is_ranked, is_listed = v_is_listed
   where s.user_id = p_user_id and (s.is_ranked <> v_is_ranked or s.is_listed <> v_is_listed);
end
$$;

revoke all on function private.refresh_board_scores from public, anon, authenticated, service_role;
comment on function private.refresh_board_scores is 'Takes a user off the boards or puts them back';

-- Returns a paused streak as it goes on: the days of the pause are neither missed nor counted. A streak that is not paused is
-- returned as it is.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: public.streaks
-- Errors: none.
create or replace function private.resumed_streak(p_streak public.streaks, p_today date)
returns public.streaks
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_streak public.streaks := p_streak;
begin
  if p_streak.paused_on < p_today and p_streak.last_day is not null then
    v_streak.last_day := least(p_streak.last_day + (p_today - p_streak.paused_on), p_today - 1);
  end if;
  v_streak.paused_on := null;
  return v_streak;
end
$$;

revoke all on function private.resumed_streak from public, anon, authenticated, service_role;
comment on function private.resumed_streak is 'Returns a paused streak as it goes on';

-- Sets how a user appears on boards: the display name (null: a number instead) and whether lists leave the user out.
--
-- Concurrency: the user's row is locked, as for awards; the last call wins.
-- Locks: user (NO KEY UPDATE), board_profiles, the user's rows of board_scores.
-- Returns: jsonb
--   outcome: 'saved' | 'invalid_name'   (invalid: longer than 32 characters, without a letter, with a link or an @name, or
--     with characters that are invisible or that cover other lines)
--   name: text | null
--   is_hidden: boolean
--   number: int
-- Errors: Z0004, no such user.
create or replace function public.set_board_profile(p_user_id bigint, p_name text, p_is_hidden boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name constant text := nullif(trim(regexp_replace(p_name, '\s+', ' ', 'g')), '');
  v_is_valid constant boolean := v_name is null or (
    length(v_name) <= 32
    and v_name ~ '[[:alpha:]]'
    and v_name !~* '[[:cntrl:]@]|://|www\.|t\.me|[a-zа-я0-9]\.(ru|com|net|org|io|me|info|рф|su|ua|by|kz|uz|de|uk|eu|us|to)\M'
    and v_name !~* '[a-z0-9]\.(ly|gg|cc|tv|co|ai|biz|xyz|app|dev|pro|top|club|site|shop|store|link|live|online|space|click)\M'
    -- No invisible characters, those that count as letters included, and none that turn the direction of the text.
    and v_name !~ '[\u00ad\u034f\u115f\u1160\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0]'
    -- No heaps of marks, which cover the lines above and below; a letter has at most two.
    and v_name !~ '[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3}'
  );
  v_profile public.board_profiles;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  if v_is_valid then
    insert into public.board_profiles (user_id, name, is_hidden)
    values (p_user_id, v_name, coalesce(p_is_hidden, false))
    on conflict (user_id) do update set name = excluded.name, is_hidden = excluded.is_hidden;
    perform private.refresh_board_scores(p_user_id);
  end if;
  select p.* into v_profile from public.board_profiles as p where p.user_id = p_user_id;
  return jsonb_build_object(
    'outcome', case when v_is_valid then 'saved' else 'invalid_name' end,
    'name', v_profile.name,
    'is_hidden', coalesce(v_profile.is_hidden, false),
    'number', private.board_number(p_user_id)
  );
end
$$;

revoke all on function public.set_board_profile from public, anon, authenticated, service_role;
grant execute on function public.set_board_profile to bot_backend;
comment on function public.set_board_profile is 'Sets how a user appears on boards';

-- Sets the time zone of a user's days. It applies from the next midnight of the zone before on, or at once while no day has
-- counted, and changes at most once in 24 hours. It never breaks a streak.
--
-- Concurrency: the user's row is locked; before midnight the last call wins.
-- Locks: user (NO KEY UPDATE), streak.
-- Returns: jsonb
--   outcome: 'set'             (at once)
--     | 'scheduled'            (from the next midnight on)
--     | 'unchanged'            (it is the zone already)
--     | 'too_soon'             (it changed less than 24 hours ago)
--     | 'unknown_zone'         (no IANA name)
--   ...private.streak_state
-- Errors: Z0004, no such user.
create or replace function public.set_time_zone(p_user_id bigint, p_time_zone text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_streak public.streaks := private.lock_streak(p_user_id);
  v_zone constant text := private.known_time_zone(p_time_zone);
  v_present constant text := coalesce(v_streak.time_zone, private.setting('quota_timezone'));
  v_outcome text;
begin
  v_outcome := case
    when v_zone is null then 'unknown_zone'
    when v_zone = v_present then 'unchanged'
    when v_streak.last_day is null then 'set'
    when v_streak.zone_changed_at > v_now - interval '24 hours' then 'too_soon'
    else 'scheduled'
  end;
  if v_outcome in ('set', 'unchanged') then
    v_streak.time_zone := v_zone;
    v_streak.next_time_zone := null;
    v_streak.zone_changes_at := null;
  elsif v_outcome = 'scheduled' then
    v_streak.next_time_zone := v_zone;
    v_streak.zone_changes_at := (private.local_day(v_streak, v_now) + 1)::timestamp at time zone v_present;
  end if;
  perform private.store_streak(v_streak);
  return private.streak_state(v_streak, v_now) || jsonb_build_object('outcome', v_outcome);
end
$$;

revoke all on function public.set_time_zone from public, anon, authenticated, service_role;
grant execute on function public.set_time_zone to bot_backend;
comment on function public.set_time_zone is 'Sets the time zone of a user''s days';

-- Returns a streak with a change of the time zone applied that is due. To the west, the day that has just ended goes on: it
-- counts once. To the east, the day that begins is shorter: missing it breaks nothing; where a date is skipped, the days before
-- it move along.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: public.streaks
-- Errors: none.
create or replace function private.settled_streak(p_streak public.streaks, p_now timestamptz)
returns public.streaks
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_streak public.streaks := p_streak;
  v_old date;
  v_new date;
begin
  if coalesce(p_streak.zone_changes_at > p_now, true) then
    return p_streak;
  end if;
  v_old := private.local_day(p_streak, p_streak.zone_changes_at);
  v_streak.time_zone := p_streak.next_time_zone;
  v_streak.next_time_zone := null;
  v_streak.zone_changes_at := null;
  v_streak.zone_changed_at := p_streak.zone_changes_at;
  v_new := private.local_day(v_streak, p_streak.zone_changes_at);
  if v_new > v_old then
    v_streak.last_day := p_streak.last_day + (v_new - v_old);
    v_streak.paused_on := p_streak.paused_on + (v_new - v_old);
  else
    v_streak.last_day := case when p_streak.last_day is not null then least(p_streak.last_day, v_new) end;
    v_streak.paused_on := case when p_streak.paused_on is not null then least(p_streak.paused_on, v_new) end;
  end if;
  if v_new = v_old then
    v_streak.excused_on := v_new;
  end if;
  return v_streak;
end
$$;

revoke all on function private.settled_streak from public, anon, authenticated, service_role;
comment on function private.settled_streak is 'Returns a streak with a due change of the time zone applied';

-- Stores a streak that private.lock_streak returned, with its changes.
--
-- Concurrency: the caller holds the user's row.
-- Locks: the user's row of streaks.
-- Returns: void
-- Errors: none.
create or replace function private.store_streak(p_streak public.streaks)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.streaks as s
     set time_zone = p_streak.time_zone,
         next_time_zone = p_streak.next_time_zone,
         zone_changes_at = p_streak.zone_changes_at,
         zone_changed_at = p_streak.zone_changed_at,
         current = p_streak.current,
         longest = p_streak.longest,
         last_day = p_streak.last_day,
         last_bot = p_streak.last_bot,
         freezes = p_streak.freezes,
         grace_used = p_streak.grace_used,
         excused_on = p_streak.excused_on,
         paused_on = p_streak.paused_on
   where s.user_id = p_streak.user_id and s is distinct from p_streak;
$$;

revoke all on function private.store_streak from public, anon, authenticated, service_role;
comment on function private.store_streak is 'Stores a streak with its changes';

-- Returns a streak as the user sees it at a moment.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   current: int           (0: missed days broke it)
--   longest: int
--   freezes: int           (without those that missed days will cost)
--   missed: int            (missed days that freezes cover)
--   is_today: boolean      (today has counted)
--   is_paused: boolean
--   time_zone: text
--   next_time_zone: text | null   (from the next midnight on)
-- Errors: none.
create or replace function private.streak_state(p_streak public.streaks, p_now timestamptz)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_streak constant public.streaks := private.settled_streak(p_streak, p_now);
  v_today constant date := private.local_day(v_streak, p_now);
  v_missed integer := private.missed_days(v_streak, v_today);
  v_is_broken boolean;
begin
  if private.has_grace(v_streak, p_now) then
    v_missed := 0;
  end if;
  v_is_broken := v_missed > coalesce(v_streak.freezes, 0);
  return jsonb_build_object(
    'current', case when v_is_broken then 0 else coalesce(v_streak.current, 0) end,
    'longest', coalesce(v_streak.longest, 0),
    'freezes', coalesce(v_streak.freezes, 0) - case when v_is_broken then 0 else v_missed end,
    'missed', case when v_is_broken then 0 else v_missed end,
    'is_today', coalesce(v_streak.last_day >= v_today, false),
    'is_paused', v_streak.paused_on is not null,
    'time_zone', coalesce(v_streak.time_zone, private.setting('quota_timezone')),
    'next_time_zone', v_streak.next_time_zone
  );
end
$$;

revoke all on function private.streak_state from public, anon, authenticated, service_role;
comment on function private.streak_state is 'Returns a streak as the user sees it at a moment';

-- Users under the column names of the first bots' tables, so that SELECTs of old services go on working. Read-only: it has
-- computed columns, and no role has other rights. It reads with the rights of its owner, because its one reader,
-- service_role, may read no table; so it calls no function of ours either.

create or replace view public.legacy_users as
select
  u.id,
  u.telegram_id,
  u.username as telegram_user_name,
  u.username,
  u.first_name,
  u.last_name,
  coalesce(u.language, u.language_code) as language,
  u.vip_level as "VIP_level",
  u.is_paid,
  u.is_admin,
  u.banned_at is not null as is_banned,
  u.is_active,
  u.balance,
  u.bonus_credits,
  u.total_xp,
  u.level,
  -- Trainings of the history and, before those, what the bot had when it was adopted; statistics that say more than the
  -- history are of a service that keeps none.
  (select coalesce(count(*), 0) from public.training_history as h where h.user_id = u.id)
  + (
    select coalesce(
        sum(
          case
            when jsonb_typeof(s.stats_data #> '{adopted,total_trainings}') = 'number'
              then floor((s.stats_data #>> '{adopted,total_trainings}')::numeric)
            when jsonb_typeof(s.stats_data -> 'total_trainings') = 'number'
              then greatest(floor((s.stats_data ->> 'total_trainings')::numeric) - h.total, 0)
          end
        ),
        0
      )
      from public.bot_sessions as s
      cross join lateral (
        select coalesce(count(*), 0) as total from public.training_history as h where h.user_id = u.id and h.bot = s.bot
      ) as h
     where s.user_id = u.id
  ) as total_trainings,
  (select coalesce(sum(h.score), 0) from public.training_history as h where h.user_id = u.id)
  + (
    select coalesce(
        sum(
          case
            when jsonb_typeof(s.stats_data #> '{adopted,total_score}') = 'number'
              then floor((s.stats_data #>> '{adopted,total_score}')::numeric)
            when jsonb_typeof(s.stats_data -> 'total_score') = 'number'
              then greatest(floor((s.stats_data ->> 'total_score')::numeric) - h.total, 0)
          end
        ),
        0
      )
      from public.bot_sessions as s
      cross join lateral (
        select coalesce(sum(h.score), 0) as total from public.training_history as h where h.user_id = u.id and h.bot = s.bot
      ) as h
     where s.user_id = u.id
  ) as total_score,
  u.referral_code,
  u.total_referrals,
  u.created_at as registration_date,
  u.created_at,
  u.updated_at,
  u.last_activity
  from public.users as u;

comment on view public.legacy_users is 'Users under the old column names, for SELECTs of other services';
revoke all on table public.legacy_users from public, anon, authenticated, service_role, bot_backend;
grant select on table public.legacy_users to service_role;

-- A migration is one transaction, and these tables have a row per session and per subscription: seconds at most.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX bot_sessions_created_at_idx ON public.bot_sessions USING btree (created_at);

-- squawk-ignore require-concurrent-index-deletion
drop index public.subscriptions_reminder_idx;

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX subscriptions_reminder_idx ON public.subscriptions USING btree (ends_at) WHERE (source = ANY (ARRAY['purchase'::text, 'trial'::text, 'promo'::text, 'service'::text]));

CREATE TRIGGER users_refresh_boards AFTER UPDATE OF banned_at, is_admin ON public.users FOR EACH ROW WHEN ((((old.banned_at IS NULL) <> (new.banned_at IS NULL)) OR (old.is_admin <> new.is_admin))) EXECUTE FUNCTION private.refresh_boards_of_user();

comment on function private.notify_adjustment(bigint,pg_catalog.text,numeric,numeric) is 'Enqueues a message to a user whose credits, trainings, XP or balance changed';

comment on column public.bot_sessions.is_blocked is 'Whether the user blocks the bot; only in a private chat (chat_id is the user''s Telegram id)';

comment on column public.erased_users.used is 'One-time benefits used, by name: referral, promocode:<id>, trial, channels (whose free trainings were received), xp and badges (awards of rules that give once, and all badges); also banned_at, without the reason of the ban';

comment on column public.free_trainings.source is 'Kind of grant: channel, promo (a promo code), admin or service (grant_trainings)';

comment on column public.subscriptions.source is 'Origin: purchase, trial, promo (a promo code), service (grant_subscription), adopted (private.adopt_user) or admin';

comment on column public.users.is_active is 'False: the user blocks every bot with which there is a private chat (private.set_blocked)';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "team_max_assignments", "about": "Most assignments of a team whose last deadline is ahead", "value": 30}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "team_max_members", "about": "Most members of a team, managers included", "value": 50}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "team_max_teams", "about": "Most teams that a user may belong to in one bot", "value": 5}') on conflict do nothing;
