-- Reversed role and review of real conversations.
--
-- The wider check replaces the narrow one in one transaction, and the table of trainings is small.
-- squawk-ignore-file ban-drop-constraint, constraint-missing-not-valid, require-concurrent-index-creation

alter table public.training_turns add column is_useful boolean;

alter table public.training_turns add column judged_type text;

-- Conversations that users collect for a review, message by message; one at a time for a user in a bot. A draft is deleted
-- with its review, by /cancel, or a day after its last message (private.delete_old_reviews).

create table public.review_drafts (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null check (bot <> ''),
  parts jsonb not null default '[]' check (jsonb_typeof(parts) = 'array'),
  lease_reference text,
  lease_until timestamptz,
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock(),
  unique (user_id, bot)
);

create index review_drafts_updated_idx on public.review_drafts (updated_at);

comment on table public.review_drafts is 'Conversations that users collect for a review';
comment on column public.review_drafts.parts is 'Messages of the user: {reference, text}, the reference of its update';
comment on column public.review_drafts.lease_reference is 'The update that is scoring it; another one waits until lease_until';
alter table public.review_drafts enable row level security;
revoke all on table public.review_drafts from public, anon, authenticated, service_role;
revoke all on sequence public.review_drafts_id_seq from public, anon, authenticated, service_role;

-- Returns whether a finished training counts: it had enough questions for a score and did not take less than the scenario's
-- shortest time. Only one that counts is in the history, gives XP, badges and a day of the streak, completes a task or
-- passes an exam. One with reversed roles and the review of a conversation never do.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.training_counts(p_training public.trainings)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_training.status = 'finished'
    and p_training.mode not in ('reversed', 'review')
    and (p_training.result ->> 'is_scored')::boolean
    and not (p_training.result ->> 'is_fast')::boolean;
$$;

revoke all on function private.training_counts from public, anon, authenticated, service_role;
comment on function private.training_counts is 'Returns whether a finished training counts';

-- Returns the result of a finished training, with a line for each message that counts.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   training_id: bigint
--   scenario: text
--   case_id: text
--   mode: 'practice' | 'drill' | 'exam' | 'reversed' | 'review'
--   drill_type: text | null
--   language: text
--   is_scored: boolean     (false: too few questions)
--   is_fast: boolean       (too fast to count)
--   counts: boolean        (private.training_counts; false: nothing was given)
--   reference?: text       (in the history and the ledger of XP, of one that counts)
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
--   review: { source: 'ai' | 'patterns', left_out: int } | null    (left_out: questions beyond the limit)
--   lines: [ {
--     position: int, question: text, reply: text, type: text, why: 'counted' | 'repeated' | 'capped' | 'other_type',
--     points: int, is_contextual: boolean, is_copied: boolean, used_fragment: text, revealed: [ text ],
--     is_disputed: boolean, dispute: 'open' | 'upheld' | 'corrected' | null, judged_type: text | null,
--     is_useful: boolean | null
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
    'counts', private.training_counts(p_training),
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
    'review', p_training.result -> 'review',
    'lines', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'position', r.position, 'question', r.question, 'reply', r.reply, 'type', r.type, 'why', r.why,
              'points', r.points, 'is_contextual', r.is_contextual, 'is_copied', r.is_copied,
              'used_fragment', r.used_fragment, 'revealed', r.revealed, 'is_disputed', r.disputed_at is not null,
              'dispute', (select d.status from public.training_disputes as d where d.turn_id = r.id),
              'judged_type', r.judged_type, 'is_useful', r.is_useful
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
--   mode: 'practice' | 'drill' | 'exam' | 'reversed' | 'review'
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
--   max_questions: int
--   turns: [ {
--     position: int, question: text, reply: text, type: text, why: text, judged_type: text | null, is_useful: boolean | null
--   } ]                    (oldest first)
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
    'max_questions', (p_training.rules ->> 'max_questions')::integer,
    'turns', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'position', t.position, 'question', t.question, 'reply', t.reply, 'type', t.type, 'why', t.why,
              'judged_type', t.judged_type, 'is_useful', t.is_useful
            )
            order by t.position
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

-- Returns the draft of a review.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   parts: [ text ]        (the messages, oldest first)
-- Errors: none.
create or replace function private.review_draft(p_draft public.review_drafts)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_draft.id,
    'parts', (
      select coalesce(jsonb_agg(p.part ->> 'text' order by p.number), '[]')
        from jsonb_array_elements(p_draft.parts) with ordinality as p (part, number)
    )
  );
$$;

revoke all on function private.review_draft from public, anon, authenticated, service_role;
comment on function private.review_draft is 'Returns the draft of a review';

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
    'files', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]')
        from public.stored_files as f
       where f.user_id = u.id
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
      'review_drafts', (
        select coalesce(
            jsonb_agg(to_jsonb(v) - array['user_id', 'lease_reference', 'lease_until'] order by v.id), '[]'::jsonb
          )
          from public.review_drafts as v
         where v.user_id = u.id
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
    'generations', private.generations_section(u.id),
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

-- Releases what crashed workers hold, and deletes what is past its retention: requests reserved by updates that are
-- older than ten minutes and have no lease, finished and dead-lettered updates, messages, and request counters of
-- erased users. Also ends expired subscriptions, creates and drops partitions of api_usage, and enqueues alarms of
-- admins who wrote to a bot for the first time, and deletes the boards of past days and weeks, and old quizzes, rounds in
-- groups and reviews of conversations. p_limit: the most rows of each kind.
--
-- Concurrency: rows that another sweep or a worker has locked are skipped.
-- Locks: as the functions it calls, in their order here; each skips locked rows.
-- Returns: jsonb
--   { [text]: int }        (how many of each kind, at most p_limit: released, updates, messages, erased, subscriptions,
--                          months, alarms, boards, quizzes, rounds, reviews)
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
    'boards', private.delete_old_boards(p_limit),
    'quizzes', private.delete_old_quiz_runs(p_limit),
    'rounds', private.delete_old_quiz_rounds(p_limit),
    'reviews', private.delete_old_reviews(p_limit)
  );
end
$$;

revoke all on function public.sweep from public, anon, authenticated, service_role;
grant execute on function public.sweep to bot_backend;
comment on function public.sweep is 'Releases stale reservations and deletes what is past its retention';

-- Adds a message to the conversation that a user collects for a review, or begins to collect one.
--
-- p_reference: of the update. p_text: null: the draft is only begun. p_max_length: characters of all messages together.
--
-- Concurrency: the user's row is locked; a reference that was added adds nothing again.
-- Locks: user (NO KEY UPDATE), draft.
-- Returns: jsonb
--   outcome: 'added' | 'known' | 'too_long'    (too_long: the message is not added)
--   draft: private.review_draft
-- Errors: Z0004 no such user.
create or replace function public.add_review_text(
  p_user_id bigint, p_bot text, p_reference text, p_text text, p_max_length integer
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_draft public.review_drafts;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  insert into public.review_drafts as d (user_id, bot) values (p_user_id, p_bot) on conflict (user_id, bot) do nothing;
  select d.* into v_draft from public.review_drafts as d where d.user_id = p_user_id and d.bot = p_bot for update;
  if p_text is null or v_draft.parts @> jsonb_build_array(jsonb_build_object('reference', p_reference)) then
    return jsonb_build_object('outcome', 'known', 'draft', private.review_draft(v_draft));
  elsif p_max_length < length(p_text) + (
    select coalesce(sum(length(p.part ->> 'text')), 0) from jsonb_array_elements(v_draft.parts) as p (part)
  ) then
    return jsonb_build_object('outcome', 'too_long', 'draft', private.review_draft(v_draft));
  end if;
  update public.review_drafts as d
     set parts = d.parts || jsonb_build_object('reference', p_reference, 'text', p_text), updated_at = private.clock()
   where d.id = v_draft.id
  returning d.* into v_draft;
  return jsonb_build_object('outcome', 'added', 'draft', private.review_draft(v_draft));
end
$$;

revoke all on function public.add_review_text from public, anon, authenticated, service_role;
grant execute on function public.add_review_text to bot_backend;
comment on function public.add_review_text is 'Adds a message to the conversation that a user collects for a review';

-- Deletes the conversation that a user collects for a review.
--
-- Concurrency: a repeated call deletes nothing.
-- Locks: user (KEY SHARE), draft.
-- Returns: jsonb
--   was_deleted: boolean   (false: there was none)
-- Errors: none.
create or replace function public.cancel_review(p_user_id bigint, p_bot text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.users as u where u.id = p_user_id for key share;
  delete from public.review_drafts as d where d.user_id = p_user_id and d.bot = p_bot;
  return jsonb_build_object('was_deleted', found);
end
$$;

revoke all on function public.cancel_review from public, anon, authenticated, service_role;
grant execute on function public.cancel_review to bot_backend;
comment on function public.cancel_review is 'Deletes the conversation that a user collects for a review';

-- Leases the draft of a review to one update, which scores it, and decides whether the AI may be used. A draft that was
-- scored returns its result again.
--
-- p_cost: US dollars that the AI may cost at most. p_lease_seconds: for how long other taps wait.
--
-- Concurrency: the update's row and the draft are locked. Of two taps at once the second finds the lease of the first and
--   is refused; a redelivery of the same update takes its own lease again.
-- Locks: update row, user (KEY SHARE), draft; near the bot's cost limit as private.is_within_bot_cost_limit.
-- Returns: jsonb
--   outcome: 'work' | 'known' | 'busy' | 'none' | 'no_access' | 'superseded'
--   draft?: private.review_draft         (work)
--   may_use_ai?: boolean                 (work: the daily cost limits leave p_cost)
--   result?: private.training_result     (known)
-- Errors: none.
create or replace function public.claim_review(
  p_bot text, p_update_id bigint, p_attempt integer, p_reference text, p_draft_id bigint, p_cost numeric,
  p_lease_seconds integer
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
  v_draft public.review_drafts;
  v_training public.trainings;
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
  select d.* into v_draft
    from public.review_drafts as d
   where d.id = p_draft_id and d.user_id = v_update.user_id and d.bot = p_bot
     for update;
  if not found then
    select t.* into v_training
      from public.trainings as t
     where t.user_id = v_update.user_id and t.bot = p_bot and t.reference = concat('review:', p_draft_id);
    if not found then
      return jsonb_build_object('outcome', 'none');
    end if;
    return jsonb_build_object('outcome', 'known', 'result', private.training_result(v_training));
  end if;
  v_now := private.clock();  -- waiting for the locks takes time
  if v_draft.lease_until > v_now and v_draft.lease_reference <> p_reference then
    return jsonb_build_object('outcome', 'busy');
  end if;
  select u.* into v_user from public.users as u where u.id = v_update.user_id;
  if not (private.resolve_access(v_user, 1) ->> 'has_access')::boolean then
    return jsonb_build_object('outcome', 'no_access');
  end if;
  update public.review_drafts as d
     set lease_reference = p_reference, lease_until = v_now + make_interval(secs => p_lease_seconds)
   where d.id = v_draft.id;
  return jsonb_build_object(
    'outcome', 'work', 'draft', private.review_draft(v_draft), 'may_use_ai', private.may_spend(v_update, p_cost)
  );
end
$$;

revoke all on function public.claim_review from public, anon, authenticated, service_role;
grant execute on function public.claim_review to bot_backend;
comment on function public.claim_review is 'Leases the draft of a review to the update that scores it';

-- Consumes the access to a training: a plan, a bonus credit or a free training, under the training's own reference, longer
-- where another service has used that one.
--
-- Concurrency: the caller holds the user and the training, and consumes once for it.
-- Locks: as public.consume_access.
-- Returns: jsonb, as public.consume_access
-- Errors: none.
create or replace function private.consume_for_training(p_training public.trainings, p_telegram_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reference text := concat(p_training.bot, ':', p_training.id);
begin
  -- Not consumed yet, so a reference that is known is that of another service.
  while exists (select from public.access_usages as a where a.reference = v_reference) loop
    v_reference := v_reference || ':own';
  end loop;
  return public.consume_access(p_telegram_id, v_reference);
end
$$;

revoke all on function private.consume_for_training from public, anon, authenticated, service_role;
comment on function private.consume_for_training is 'Consumes the access to a training';

-- Deletes reviews that are older than the setting retention_reviews_days, and drafts a day after their last message.
--
-- Concurrency: rows that another sweep or a worker has locked are skipped.
-- Locks: trainings and drafts (FOR UPDATE SKIP LOCKED).
-- Returns: integer, how many; p_limit of each at most.
-- Errors: none.
create or replace function private.delete_old_reviews(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_reviews integer;
  v_drafts integer;
begin
  -- A common table expression runs once; a plan may run a subquery again for each row, and then the limit is passed.
  with old as (
    select o.id
      from public.trainings as o
     where o.mode = 'review'
       and o.created_at < v_now - make_interval(days => private.setting('retention_reviews_days')::integer)
     order by o.created_at
     limit p_limit
       for update skip locked
  )
  delete from public.trainings as t using old where t.id = old.id;
  get diagnostics v_reviews = row_count;
  with old as (
    select o.id
      from public.review_drafts as o
     where o.updated_at < v_now - interval '1 day'
     order by o.updated_at
     limit p_limit
       for update skip locked
  )
  delete from public.review_drafts as d using old where d.id = old.id;
  get diagnostics v_drafts = row_count;
  return v_reviews + v_drafts;
end
$$;

revoke all on function private.delete_old_reviews from public, anon, authenticated, service_role;
comment on function private.delete_old_reviews is 'Deletes reviews and drafts past their retention';

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
   where t.id = p_training_id and t.user_id = p_user_id and t.status = 'finished' and t.mode <> 'reversed';
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

-- Finishes a training with reversed roles once all answered questions are judged. Its score is the number of questions that
-- the user labeled as the trainer did. With enough questions, and not faster than the scenario's shortest time, it awards
-- the XP of the rule reversed_finished, and badges only where the scenario says so (rules: gives_badges). It changes neither
-- the history nor the streak.
--
-- Concurrency: the user's row and the training are locked; a finished training returns its result again.
-- Locks: user (NO KEY UPDATE), training, then as private.award_xp and private.award_due_badges.
-- Returns: jsonb
--   outcome: 'finished' | 'known' | 'busy' | 'unjudged' | 'none'    (busy: an answer is being recorded; unjudged: questions
--     are left to judge)
--   result?: private.training_result                                (finished, known)
-- Errors: none.
create or replace function public.finish_reversed(p_user_id bigint, p_training_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_training public.trainings;
  v_matched integer;
  v_is_scored boolean;
  v_is_fast boolean;
  v_xp jsonb;
  v_badges jsonb := '[]'::jsonb;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id and t.mode = 'reversed'
     for update;
  if v_training.status = 'finished' then
    return jsonb_build_object('outcome', 'known', 'result', private.training_result(v_training));
  elsif v_training.status is distinct from 'open' then
    return jsonb_build_object('outcome', 'none');
  end if;
  v_now := private.clock();
  if v_training.turn_lease_until > v_now then
    return jsonb_build_object('outcome', 'busy');
  elsif exists (
    select from public.training_turns as r where r.training_id = v_training.id and r.reply <> '' and r.is_useful is null
  ) then
    return jsonb_build_object('outcome', 'unjudged');
  end if;

  delete from public.training_turns as r where r.training_id = v_training.id and r.reply = '';
  select count(*) into v_matched
    from public.training_turns as r
   where r.training_id = v_training.id and r.judged_type = r.type;
  v_is_scored := v_training.question_count >= (v_training.rules ->> 'min_questions')::integer;
  v_is_fast := coalesce(
    v_now - v_training.first_question_at < make_interval(secs => (v_training.rules ->> 'min_seconds')::integer), false
  );
  if v_is_scored and not v_is_fast then
    v_xp := private.award_xp(
      p_user_id, v_training.bot, 'reversed_finished',
      private.unused_reference(p_user_id, 'reversed_finished', concat(v_training.bot, ':', v_training.id))
    );
    if (v_training.rules ->> 'gives_badges')::boolean then
      v_badges := private.award_due_badges(
        p_user_id, v_training.bot, jsonb_build_object('reversed_matched', v_matched)
      );
    end if;
  end if;
  update public.trainings as t
     set status = 'finished',
         turn_reference = null,
         turn_lease_until = null,
         finished_at = v_now,
         updated_at = v_now,
         result = jsonb_build_object(
           'is_scored', v_is_scored, 'is_fast', v_is_fast, 'reason', 'judged', 'questions', 0, 'coverage', 0, 'order', 0,
           'depth', 0, 'chains', 0, 'score', v_matched, 'before', null, 'maestro_streak', null, 'xp', v_xp,
           'streak', null, 'badges', v_badges
         )
   where t.id = v_training.id
  returning t.* into v_training;
  return jsonb_build_object('outcome', 'finished', 'result', private.training_result(v_training));
end
$$;

revoke all on function public.finish_reversed from public, anon, authenticated, service_role;
grant execute on function public.finish_reversed to bot_backend;
comment on function public.finish_reversed is 'Finishes a training with reversed roles';

-- Finishes a training: computes its score and, where it counts (private.training_counts), stores it in the history and awards
-- XP and badges, once. A drill gives half of its score as XP.
--
-- p_reason: button, limit, target or time. p_case_data: what the history keeps of the case.
--
-- Concurrency: the user's row and the training are locked; a finished training returns its result again. A question that is
--   being answered is answered first: until then nothing is finished.
-- Locks: user (NO KEY UPDATE), training, session, then as private.award_xp, public.record_activity,
--   private.award_due_badges and private.count_for_task.
-- Returns: jsonb
--   outcome: 'finished' | 'known' | 'busy' | 'none'    (known: it was finished before; busy: a question is being answered; none:
--     no such training, or abandoned)
--   result?: private.training_result                   (finished, known)
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
  v_reference text;
  v_score integer;
  v_awards jsonb;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id
     for update;
  if v_training.status = 'finished' then
    return jsonb_build_object('outcome', 'known', 'result', private.training_result(v_training));
  elsif v_training.status is distinct from 'open' or v_training.mode = 'reversed' then
    return jsonb_build_object('outcome', 'none');
  end if;
  v_now := private.clock();
  if v_training.turn_lease_until > v_now then
    return jsonb_build_object('outcome', 'busy');
  end if;

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
  v_score := (v_bonuses ->> 'score')::integer;
  update public.trainings as t
     set status = 'finished',
         turn_reference = null,
         turn_lease_until = null,
         finished_at = v_now,
         updated_at = v_now,
         result = v_bonuses || jsonb_build_object(
           'is_scored', t.question_count >= (t.rules ->> 'min_questions')::integer,
           'is_fast', coalesce(
             v_now - t.first_question_at < make_interval(secs => (t.rules ->> 'min_seconds')::integer), false
           ),
           'reason', p_reason, 'chains', v_chains, 'before', null, 'maestro_streak', null, 'xp', null, 'streak', null,
           'badges', '[]'::jsonb
         )
   where t.id = v_training.id
  returning t.* into v_training;
  if private.training_counts(v_training) then
    select jsonb_build_object('score', h.score, 'clarity_level', h.clarity_level) into v_before
      from public.training_history as h
     where h.user_id = p_user_id
       and h.bot = v_training.bot
       and h.scenario = v_training.scenario
       and h.mode = v_training.mode
     order by h.id desc
     limit 1;
    v_reference := private.training_reference(v_training);
    insert into public.training_history (
      user_id, bot, reference, scenario, mode, score, clarity_level, question_count, contextual_questions,
      per_type_counts, case_data, session_snapshot, training_date
    )
    values (
      p_user_id, v_training.bot, v_reference, v_training.scenario, v_training.mode, v_score, v_training.clarity_level,
      v_training.question_count, v_training.contextual_questions, v_training.per_type_counts,
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
    v_awards := jsonb_build_object(
      'reference', v_reference,
      'before', v_before,
      'maestro_streak', private.maestro_streak(
        p_user_id, v_training.bot, v_training.scenario, (v_training.rules ->> 'maestro_score')::integer
      ),
      'xp', case
        when v_score > 1 then private.award_xp(
          p_user_id, v_training.bot, 'training_finished', v_reference,
          case when v_training.mode = 'drill' then v_score / 2 else v_score end
        )
      end,
      'streak', public.record_activity(p_user_id, v_training.bot),
      'badges', private.award_due_badges(
        p_user_id, v_training.bot, private.training_facts(v_training, v_score, v_chains)
      )
    );
    update public.trainings as t set result = t.result || v_awards where t.id = v_training.id
    returning t.* into v_training;
    perform private.count_for_task(v_training);
  end if;
  return jsonb_build_object('outcome', 'finished', 'result', private.training_result(v_training));
end
$$;

revoke all on function public.finish_training from public, anon, authenticated, service_role;
grant execute on function public.finish_training to bot_backend;
comment on function public.finish_training is 'Finishes a training and awards what it gives';

-- Returns the conversation that a user collects for a review.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { draft: private.review_draft } | null    (null: there is none)
-- Errors: none.
create or replace function public.get_review_draft(p_user_id bigint, p_bot text)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('draft', private.review_draft(d))
    from public.review_drafts as d
   where d.user_id = p_user_id and d.bot = p_bot;
$$;

revoke all on function public.get_review_draft from public, anon, authenticated, service_role;
grant execute on function public.get_review_draft to bot_backend;
comment on function public.get_review_draft is 'Returns the conversation that a user collects for a review';

-- Records how the user judges a question of the AI: its type first, then whether it was useful. The first answer to each
-- stays, so a button that is tapped twice changes nothing.
--
-- p_type: a type of the scenario, null: only p_is_useful is given. p_is_useful: null: only the type is given.
--
-- Concurrency: the user's row and the training are locked; a repeated call changes nothing.
-- Locks: user (NO KEY UPDATE), training, turn.
-- Returns: jsonb
--   outcome: 'judged' | 'none'           (none: no such question of an open training with reversed roles)
--   training?: private.training_state    (judged)
-- Errors: none.
create or replace function public.judge_reversed_turn(
  p_user_id bigint, p_training_id bigint, p_position integer, p_type text, p_is_useful boolean
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_training public.trainings;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id and t.mode = 'reversed' and t.status = 'open'
     for update;
  update public.training_turns as r
     set judged_type = coalesce(
           r.judged_type,
           (
             select t.type ->> 'id'
               from jsonb_array_elements(v_training.rules -> 'types') as t (type)
              where t.type ->> 'id' = p_type
           )
         ),
         is_useful = case when r.judged_type is null then null else coalesce(r.is_useful, p_is_useful) end
   where r.training_id = v_training.id and r.position = p_position and r.reply <> '';
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  return jsonb_build_object('outcome', 'judged', 'training', private.training_state(v_training));
end
$$;

revoke all on function public.judge_reversed_turn from public, anon, authenticated, service_role;
grant execute on function public.judge_reversed_turn to bot_backend;
comment on function public.judge_reversed_turn is 'Records how the user judges a question of the AI';

-- Returns a user's reviews of conversations, newest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { training_id: bigint, score: int, question_count: int, created_at: timestamptz } ]    (the last five)
-- Errors: none.
create or replace function public.list_reviews(p_user_id bigint, p_bot text)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'training_id', n.id, 'score', (n.result ->> 'score')::integer, 'question_count', n.question_count,
          'created_at', n.created_at
        )
        order by n.id desc
      ),
      '[]'
    )
    from (
      select t.id, t.result, t.question_count, t.created_at
        from public.trainings as t
       where t.user_id = p_user_id and t.bot = p_bot and t.mode = 'review'
       order by t.id desc
       limit 5
    ) as n;
$$;

revoke all on function public.list_reviews from public, anon, authenticated, service_role;
grant execute on function public.list_reviews to bot_backend;
comment on function public.list_reviews is 'Returns a user''s reviews of conversations';

-- Records what the user, in the part of the client, answered to the AI's last question, and the AI's next question. The
-- first answer consumes the access to the training: a plan, a bonus credit or a free training, once.
--
-- p_reference: names the next question; for an answer, the update that public.begin_training_turn leased the training to.
-- p_answer: null at the start, when there is no question to answer yet. p_question: {question, type, is_contextual,
-- used_fragment, touches, source}; null after the last answer.
--
-- Concurrency: the user's row and the training are locked; a reference that was recorded changes nothing, and a worker
--   whose lease another update has taken changes nothing. After the last answer there is no question left to answer, so a
--   repeated call records nothing either.
-- Locks: user (NO KEY UPDATE), training, turn, then as public.consume_access.
-- Returns: jsonb
--   outcome: 'recorded' | 'known' | 'no_access' | 'superseded'   (superseded: the training is closed, or the lease is lost)
--   training?: private.training_state                           (recorded, known)
-- Errors: none.
create or replace function public.record_reversed_turn(
  p_user_id bigint, p_training_id bigint, p_reference text, p_answer text, p_question jsonb
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
  v_pending bigint;
  v_access jsonb;
begin
  select u.telegram_id into v_telegram_id from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id and t.mode = 'reversed'
     for update;
  if exists (
    select from public.training_turns as r where r.training_id = v_training.id and r.reference = p_reference
  ) then
    return jsonb_build_object('outcome', 'known', 'training', private.training_state(v_training));
  end if;
  select r.id into v_pending
    from public.training_turns as r
   where r.training_id = v_training.id and r.reply = ''
     for update;
  if v_training.status is distinct from 'open'
    or p_answer is null and v_training.turns > 0
    or p_answer is not null and v_training.turn_reference is distinct from p_reference
  then
    return jsonb_build_object('outcome', 'superseded');
  elsif p_answer is not null and v_pending is null then
    update public.trainings as t set turn_reference = null, turn_lease_until = null where t.id = v_training.id;
    return jsonb_build_object('outcome', 'known', 'training', private.training_state(v_training));
  end if;

  v_now := private.clock();
  if p_answer is not null then
    if v_training.access_type is null then
      v_access := private.consume_for_training(v_training, v_telegram_id);
      if not (v_access ->> 'has_access')::boolean then
        update public.trainings as t set turn_reference = null, turn_lease_until = null where t.id = v_training.id;
        return jsonb_build_object('outcome', 'no_access');
      end if;
    end if;
    update public.training_turns as r set reply = p_answer where r.id = v_pending;
  end if;
  update public.trainings as t
     set access_type = coalesce(t.access_type, v_access ->> 'access_type'),
         turns = t.turns + (p_question is not null)::integer,
         question_count = t.question_count + (p_answer is not null)::integer,
         first_question_at = case when p_answer is null then null else coalesce(t.first_question_at, v_now) end,
         turn_reference = null,
         turn_lease_until = null,
         updated_at = v_now
   where t.id = v_training.id
  returning t.* into v_training;
  if p_question is not null then
    insert into public.training_turns as r (
      training_id, reference, position, question, reply, kind, type, why, is_contextual, is_copied, used_fragment,
      touches, revealed, source, points, clarity_level, created_at
    )
    values (
      v_training.id, p_reference, v_training.turns, p_question ->> 'question', '', 'question', p_question ->> 'type',
      'counted', (p_question ->> 'is_contextual')::boolean, false, p_question ->> 'used_fragment',
      p_question -> 'touches', '[]', p_question ->> 'source', 0, 0, v_now
    );
  end if;
  return jsonb_build_object('outcome', 'recorded', 'training', private.training_state(v_training));
end
$$;

revoke all on function public.record_reversed_turn from public, anon, authenticated, service_role;
grant execute on function public.record_reversed_turn to bot_backend;
comment on function public.record_reversed_turn is 'Records the user''s answer to the AI''s question, and the next question';

-- Stores the review of a conversation that public.claim_review leased, and deletes its draft. It consumes the access to one
-- training, and computes the points as those of a training. It changes neither the history nor XP, badges or the streak.
--
-- p_review: {scenario, version, language, rules, source: 'ai' | 'patterns', left_out, lines}. lines: [{question, reply, type,
-- is_contextual, used_fragment, source, is_repeated}], the seller's questions in their order.
--
-- Concurrency: the user's row and the draft are locked. The draft names the review, so it is stored once; a worker whose
--   lease another update has taken changes nothing.
-- Locks: user (NO KEY UPDATE), draft, then as public.consume_access.
-- Returns: jsonb
--   outcome: 'recorded' | 'known' | 'no_access' | 'superseded'
--   result?: private.training_result     (recorded, known)
-- Errors: none.
create or replace function public.record_review(
  p_user_id bigint, p_bot text, p_reference text, p_draft_id bigint, p_review jsonb
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
  v_draft public.review_drafts;
  v_training public.trainings;
  v_access jsonb;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  select t.* into v_training
    from public.trainings as t
   where t.user_id = p_user_id and t.reference = concat('review:', p_draft_id);
  if found then
    return jsonb_build_object('outcome', 'known', 'result', private.training_result(v_training));
  end if;
  select d.* into v_draft
    from public.review_drafts as d
   where d.id = p_draft_id and d.user_id = p_user_id and d.bot = p_bot
     for update;
  if v_draft.lease_reference is distinct from p_reference then
    return jsonb_build_object('outcome', 'superseded');
  elsif not (private.resolve_access(v_user, 1) ->> 'has_access')::boolean then
    update public.review_drafts as d set lease_reference = null, lease_until = null where d.id = v_draft.id;
    return jsonb_build_object('outcome', 'no_access');
  end if;

  v_now := private.clock();
  insert into public.trainings as t (
    user_id, bot, scenario, version, case_id, mode, difficulty, language, rules, reference, status, turns, result,
    created_at, first_question_at, updated_at, finished_at
  )
  values (
    p_user_id, p_bot, p_review ->> 'scenario', (p_review ->> 'version')::integer, 'conversation', 'review', 'medium',
    p_review ->> 'language', p_review -> 'rules', concat('review:', p_draft_id), 'finished',
    jsonb_array_length(p_review -> 'lines'),
    jsonb_build_object(
      'is_scored', true, 'is_fast', false, 'reason', 'review', 'chains', 0, 'before', null, 'maestro_streak', null,
      'xp', null, 'streak', null, 'badges', '[]'::jsonb,
      'review', jsonb_build_object('source', p_review ->> 'source', 'left_out', (p_review ->> 'left_out')::integer)
    ),
    v_now, v_now, v_now, v_now
  )
  returning t.* into v_training;
  insert into public.training_turns as r (
    training_id, reference, position, question, reply, kind, type, why, is_contextual, is_copied, used_fragment,
    touches, revealed, source, points, clarity_level, created_at
  )
  select
    v_training.id, concat(p_reference, ':', l.number), l.number, l.line ->> 'question', l.line ->> 'reply', 'question',
    l.line ->> 'type', case when (l.line ->> 'is_repeated')::boolean then 'repeated' else 'counted' end,
    (l.line ->> 'is_contextual')::boolean and not (l.line ->> 'is_repeated')::boolean, false,
    l.line ->> 'used_fragment', '[]', '[]', l.line ->> 'source', 0, 0, v_now
    from jsonb_array_elements(p_review -> 'lines') with ordinality as l (line, number);
  v_access := private.consume_for_training(v_training, v_user.telegram_id);
  update public.trainings as t set access_type = v_access ->> 'access_type' where t.id = v_training.id;
  v_training := private.recount_training(v_training);
  delete from public.review_drafts as d where d.id = v_draft.id;
  return jsonb_build_object('outcome', 'recorded', 'result', private.training_result(v_training));
end
$$;

revoke all on function public.record_review from public, anon, authenticated, service_role;
grant execute on function public.record_review to bot_backend;
comment on function public.record_review is 'Stores the review of a conversation';

-- Records a turn that public.begin_training_turn began, and computes its points. The first one consumes the access to the
-- training, no matter what was said: a plan, a bonus credit or a free training, once.
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
  elsif v_training.status is distinct from 'open' or v_training.mode = 'reversed'
    or v_training.turn_reference is distinct from p_reference then
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
  if v_training.access_type is null then
    v_access := private.consume_for_training(v_training, v_telegram_id);
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
                 where t.user_id = u.id and t.bot = p_bot and t.mode <> 'review'
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

alter table public.trainings drop constraint trainings_mode_check;

alter table public.trainings add constraint trainings_mode_check CHECK ((mode = ANY (ARRAY['practice'::text, 'drill'::text, 'exam'::text, 'reversed'::text, 'review'::text])));

CREATE INDEX trainings_review_idx ON public.trainings USING btree (created_at) WHERE (mode = 'review'::text);

comment on column public.training_turns.is_useful is 'Whether the user found that question useful';

comment on column public.training_turns.judged_type is 'The label that the user gave a question of the AI, in the reversed role';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "retention_reviews_days", "about": "Days that reviewed conversations are kept, with their scores", "value": 30}') on conflict do nothing;

insert into public.xp_rules ("bot", "rule", "points", "is_once", "daily_cap", "has_periods", "daily_percent") select "bot", "rule", "points", "is_once", "daily_cap", "has_periods", "daily_percent"
from jsonb_populate_record(null::public.xp_rules, '{"bot": "spin", "rule": "reversed_finished", "points": 20, "is_once": false, "daily_cap": 60, "has_periods": true, "daily_percent": null}') on conflict do nothing;
