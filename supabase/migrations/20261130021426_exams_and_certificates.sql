-- Exams and certificates.

drop function private.count_for_task(p_training_id bigint, p_score integer, p_finished_at timestamp with time zone, p_is_passed boolean);

drop function public.link_training_to_task(p_user_id bigint, p_training_id bigint, p_task_id bigint);

drop function public.start_training(p_user_id bigint, p_bot text, p_scenario text, p_version integer, p_case text, p_mode text, p_drill_type text, p_difficulty text, p_language text, p_rules jsonb, p_reference text, p_replace boolean);

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
--   badges: [ text ]       (received now)
--   exam: { score: int, is_passed: boolean } | null    (the pass mark)
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

-- Issues the certificate of a passed exam, once; it carries the name that the user has in Telegram at that moment.
--
-- Concurrency: the training is locked; a certificate that exists is returned again.
-- Locks: training.
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

-- Notes that a training is played for a task of its user, if it is what the task asks for.
--
-- Concurrency: the caller has locked the user; a training belongs to one task.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.link_training_to_task(p_training public.trainings, p_task_id bigint)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  insert into public.assignment_trainings (training_id, task_id)
  select p_training.id, k.id
    from public.assignment_tasks as k
    join public.assignments as a on a.id = k.assignment_id
   where k.id = p_task_id
     and k.user_id = p_training.user_id
     and k.opens_at <= private.clock()
     and a.canceled_at is null
     and (a.scenario, a.mode, a.difficulty) = (p_training.scenario, p_training.mode, p_training.difficulty)
  on conflict (training_id) do nothing;
$$;

revoke all on function private.link_training_to_task from public, anon, authenticated, service_role;
comment on function private.link_training_to_task is 'Notes that a training is played for a task of its user, if it is what the task asks for';

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

-- Returns how many exams of a scenario a user has begun: for a task, or without one within the last 24 hours. An exam is
-- begun with its first question.
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
     and r.task_id is not distinct from p_task_id
     and (p_task_id is not null or t.created_at > private.clock() - interval '1 day');
$$;

revoke all on function private.exams_begun from public, anon, authenticated, service_role;
comment on function private.exams_begun is 'Returns how many exams of a scenario a user has begun';

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
  v_outgoing jsonb := '[]';
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
-- score, but gives no XP. A drill gives half of its score as XP.
--
-- p_reason: button, limit, target or time. p_case_data: what the history keeps of the case.
--
-- Concurrency: the user's row and the training are locked; a finished training returns its result again.
-- Locks: user (NO KEY UPDATE), training, session, then as private.award_xp, private.award_due_badges and
--   private.count_for_task.
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
  if v_is_scored then
    perform private.count_for_task(v_training);
  end if;
  return jsonb_build_object('outcome', 'finished', 'result', private.training_result(v_training));
end
$$;

revoke all on function public.finish_training from public, anon, authenticated, service_role;
grant execute on function public.finish_training to bot_backend;
comment on function public.finish_training is 'Finishes a training and awards what it gives';

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
