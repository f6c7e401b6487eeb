-- Trainings.

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
alter table public.trainings enable row level security;
revoke all on table public.trainings from public, anon, authenticated, service_role;
revoke all on sequence public.trainings_id_seq from public, anon, authenticated, service_role;

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

comment on table public.training_turns is 'What the user said in a training and what the client answered';
comment on column public.training_turns.why is 'Why it has its points: counted, no move at all, repeated, above the cap of its type, or another type than the drill''s';
comment on column public.training_turns.is_copied is 'It repeats a question that was suggested, so it is not contextual';
comment on column public.training_turns.used_fragment is 'The client''s words that it takes up';
comment on column public.training_turns.source is 'What labeled it: the AI, or the patterns of the scenario';
comment on column public.training_turns.disputed_at is 'When the user disputed its points; the admins are notified';
alter table public.training_turns enable row level security;
revoke all on table public.training_turns from public, anon, authenticated, service_role;
revoke all on sequence public.training_turns_id_seq from public, anon, authenticated, service_role;

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
--   badges: [ text ]       (received now)
--   lines: [ {
--     position: int, question: text, reply: text, type: text, why: 'counted' | 'repeated' | 'capped' | 'other_type',
--     points: int, is_contextual: boolean, is_copied: boolean, used_fragment: text, revealed: [ text ],
--     is_disputed: boolean
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
    'lines', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'position', r.position, 'question', r.question, 'reply', r.reply, 'type', r.type, 'why', r.why,
              'points', r.points, 'is_contextual', r.is_contextual, 'is_copied', r.is_copied,
              'used_fragment', r.used_fragment, 'revealed', r.revealed, 'is_disputed', r.disputed_at is not null
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
    'xp', private.xp_section(u.id),
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
--   outcome: 'work' | 'known' | 'busy' | 'none' | 'no_access' | 'superseded'
--   training?: private.training_state     (work, known, busy)
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

-- Disputes the points of a line of a finished training: the admins are notified, once a line.
--
-- Concurrency: the turn is locked; of two taps one notifies.
-- Locks: turn.
-- Returns: jsonb
--   outcome: 'sent' | 'known' | 'none'    (none: no such line in a finished training of the user)
--   outgoing?: outgoing                   (sent: to deliver now)
-- Errors: none.
create or replace function public.dispute_training_turn(p_user_id bigint, p_training_id bigint, p_position integer)
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
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for key share;
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
  end if;
  update public.training_turns as r set disputed_at = private.clock() where r.id = v_turn.id;
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
        'points', v_turn.points
      ),
      p_bot => v_training.bot
    )
  );
end
$$;

revoke all on function public.dispute_training_turn from public, anon, authenticated, service_role;
grant execute on function public.dispute_training_turn to bot_backend;
comment on function public.dispute_training_turn is 'Disputes the points of a line of a finished training';

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

-- Finishes a training: computes its score, stores it in the history, and awards XP and badges, once. With fewer questions
-- than the scenario wants it has no score and gives nothing; one that took less than the scenario's shortest time has a
-- score, but gives no XP. A drill gives half of its score as XP.
--
-- p_reason: button, limit or target. p_case_data: what the history keeps of the case.
--
-- Concurrency: the user's row and the training are locked; a finished training returns its result again.
-- Locks: user (NO KEY UPDATE), training, then as private.award_xp, private.award_due_badges.
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
  v_awards jsonb := '{}';
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
           'before', v_before, 'maestro_streak', null, 'xp', null, 'badges', '[]'::jsonb
         ) || v_awards
   where t.id = v_training.id
  returning t.* into v_training;
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

-- Starts a training. A user has one open training in a bot: with p_replace it is abandoned, otherwise it goes on.
--
-- p_rules: weights, caps, bonuses and limits of the scenario at this version, the hidden items of the case with their
-- weights, and `given`, the stages that are disclosed at the start. Nothing is consumed yet: public.record_training_turn
-- does that at the first question.
--
-- Concurrency: the user's row is locked, so two starts at once are one after the other; a known reference starts nothing.
-- Locks: user (NO KEY UPDATE), the open training.
-- Returns: jsonb
--   outcome: 'started' | 'open' | 'no_access'    (open: another training is open, and p_replace is false)
--   training?: private.training_state            (started, open)
--   access?: private.resolve_access              (no_access)
-- Errors: Z0004 no such user; Z0009 the rules are incomplete.
create or replace function public.start_training(
  p_user_id bigint, p_bot text, p_scenario text, p_version integer, p_case text, p_mode text, p_drill_type text,
  p_difficulty text, p_language text, p_rules jsonb, p_reference text, p_replace boolean default false
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
  ] then
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
--   may_finish: boolean    (this turn reached the target clarity, and there were enough questions)
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
    'may_finish', p_training.question_count >= (p_training.rules ->> 'min_questions')::integer
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

insert into public.badges ("bot", "badge", "condition") select "bot", "badge", "condition"
from jsonb_populate_record(null::public.badges, '{"bot": "spin", "badge": "active_listener", "condition": {"all": [["contextual_questions", ">=", 6]]}}') on conflict do nothing;

insert into public.badges ("bot", "badge", "condition") select "bot", "badge", "condition"
from jsonb_populate_record(null::public.badges, '{"bot": "spin", "badge": "deep_digger", "condition": {"all": [["chains", ">=", 3]]}}') on conflict do nothing;

insert into public.badges ("bot", "badge", "condition") select "bot", "badge", "condition"
from jsonb_populate_record(null::public.badges, '{"bot": "spin", "badge": "diplomat", "condition": {"all": [["objections_best_score", ">=", 160]]}}') on conflict do nothing;

insert into public.badges ("bot", "badge", "condition") select "bot", "badge", "condition"
from jsonb_populate_record(null::public.badges, '{"bot": "spin", "badge": "patient_ear", "condition": {"all": [["objections_contextual_questions", ">=", 6]]}}') on conflict do nothing;
