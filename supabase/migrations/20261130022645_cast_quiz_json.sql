-- Cast quiz json.

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
