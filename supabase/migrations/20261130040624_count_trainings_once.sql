-- Count trainings once.

-- Returns whether a finished training counts: it had enough questions for a score and did not take less than the scenario's
-- shortest time. Only one that counts is in the history, gives XP, badges and a day of the streak, completes a task or
-- passes an exam.
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
    and (p_training.result ->> 'is_scored')::boolean
    and not (p_training.result ->> 'is_fast')::boolean;
$$;

revoke all on function private.training_counts from public, anon, authenticated, service_role;
comment on function private.training_counts is 'Returns whether a finished training counts';

-- Returns whether an exam counts and reached its pass mark.
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
    when p_training.mode = 'exam' then private.training_counts(p_training)
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

-- Finishes a quiz whose questions are all answered: its score, XP, badges and streak. A quiz that was tapped through, in less
-- than two seconds a question, gives nothing and has no place on the day's board. A challenge has 100 points for each right
-- answer, and one more for each second under 20.
--
-- Concurrency: the caller holds the user's row and the open quiz, and calls once.
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
      select private.award_xp(
          p_run.user_id, p_run.bot, d.rule,
          private.unused_reference(p_run.user_id, d.rule, 'quiz:' || p_run.id), d.points
        )
        from (
          values
            ('quiz_right', v_points, v_points > 0),
            ('quiz_run', null, p_run.kind <> 'daily' and v_result.questions >= 5),
            ('daily_challenge', null, p_run.kind = 'daily')
        ) as d (rule, points, is_due)
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
    v_award := private.award_xp(
      v_user.id, p_bot, 'quiz_right', private.unused_reference(v_user.id, 'quiz_right', 'poll:' || p_poll_id)
    );
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
  perform private.award_xp(
      v_referral.referrer_id, '', 'referral_completed',
      private.unused_reference(v_referral.referrer_id, 'referral_completed', 'referral:' || v_referral.id)
    )
    from public.xp_rules as x
   where x.bot = '' and x.rule = 'referral_completed' and v_referral.referrer_id is not null;
  return 'completed';
end
$$;

revoke all on function private.settle_referral from public, anon, authenticated, service_role;
comment on function private.settle_referral is 'Completes a pending referral';

-- Counts a finished training that counts (private.training_counts) for the task it was played for: the first one completes the task, and the best
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
       where o.task_id = r.task_id and private.training_counts(t)
    ) as b
   where r.training_id = p_training.id and k.id = r.task_id;
$$;

revoke all on function private.count_for_task from public, anon, authenticated, service_role;
comment on function private.count_for_task is 'Counts a finished training for the task it was played for';

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
       and private.training_counts(n)
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
    if private.training_counts(v_training) then
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

-- Corrects the XP of a training whose score has changed, by a row of the ledger: the share of the difference that the award
-- of the training was of its score. A training that does not count (private.training_counts) gives none now either.
--
-- p_reference: names the correction.
--
-- Concurrency: the caller has locked the user and corrects a dispute once.
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
  if not private.training_counts(p_training) then
    return 0;
  end if;
  select a.* into v_award
    from public.xp_awards as a
   where a.user_id = p_training.user_id
     and a.rule = 'training_finished'
     and a.reference = coalesce(p_training.result ->> 'reference', concat(p_training.bot, ':', p_training.id));
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
  return (
    private.award_xp(
      p_training.user_id, p_training.bot, 'correction',
      private.unused_reference(p_training.user_id, 'correction', p_reference), v_points
    ) ->> 'points'
  )::integer;
end
$$;

revoke all on function private.correct_training_xp from public, anon, authenticated, service_role;
comment on function private.correct_training_xp is 'Corrects the XP of a training whose score has changed, by a row of the ledger';

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
  elsif v_training.status is distinct from 'open' then
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
  v_reference text;
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
  v_reference := concat(v_training.bot, ':', v_training.id);
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
    -- Not consumed yet, so a reference that is known is that of another service.
    while exists (select from public.access_usages as a where a.reference = v_reference) loop
      v_reference := v_reference || ':own';
    end loop;
    v_access := public.consume_access(v_telegram_id, v_reference);
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
     and h.reference = coalesce(v_training.result ->> 'reference', concat(v_training.bot, ':', v_training.id));
  return v_training;
end
$$;

revoke all on function private.recount_training from public, anon, authenticated, service_role;
comment on function private.recount_training is 'Computes the points of a finished training''s lines and its score again, after a label was corrected';

-- Returns the reference of a finished training in the history and in the ledger of XP: its bot and its number, longer where
-- another service has used that one.
--
-- Concurrency: the caller holds the user, so no award is stored meanwhile. Of a row of the history that another service
--   stores meanwhile, the unique constraint raises, and the next try finds it.
-- Locks: none.
-- Returns: text
-- Errors: none.
create or replace function private.training_reference(p_training public.trainings)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reference text := concat(p_training.bot, ':', p_training.id);
begin
  loop
    v_reference := private.unused_reference(p_training.user_id, 'training_finished', v_reference);
    exit when not exists (
      select
        from public.training_history as h
       where h.user_id = p_training.user_id and h.bot = p_training.bot and h.reference = v_reference
    );
    v_reference := v_reference || ':own';
  end loop;
  return v_reference;
end
$$;

revoke all on function private.training_reference from public, anon, authenticated, service_role;
comment on function private.training_reference is 'Returns the reference of a finished training in the history and in the ledger of XP';

-- Returns a reference for an award that our own code gives once: the one that is wished for, longer where another service has
-- used that one for the user and the rule, so that such a collision never keeps our own work from being finished.
--
-- Concurrency: the caller holds the user's row, so no award is stored meanwhile.
-- Locks: none.
-- Returns: text
-- Errors: none.
create or replace function private.unused_reference(p_user_id bigint, p_rule text, p_reference text)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reference text := p_reference;
begin
  while exists (
    select from public.xp_awards as a where a.user_id = p_user_id and a.rule = p_rule and a.reference = v_reference
  ) loop
    v_reference := v_reference || ':own';
  end loop;
  return v_reference;
end
$$;

revoke all on function private.unused_reference from public, anon, authenticated, service_role;
comment on function private.unused_reference is 'Returns a reference for an award that our own code gives once';

comment on column public.trainings.access_type is 'What paid for it at its first message (public.consume_access); null before that';

comment on table public.training_history is 'Finished trainings that count';
