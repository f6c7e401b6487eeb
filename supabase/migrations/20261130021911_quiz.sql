-- Quiz.

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
  v_outgoing jsonb := '[]';
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
  v_badges jsonb := '[]';
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
  v_outgoing jsonb := '[]';
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
