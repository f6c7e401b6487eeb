-- Quiz boards and retention.

-- The tables of quizzes come with the same release, so they are empty; board_scores is scanned in a moment.
-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion, constraint-missing-not-valid
-- squawk-ignore-file ban-drop-constraint

drop index public.quiz_runs_board_idx;

-- Returns rounds of quiz polls that are closed and not summarized yet, with who answered right most often. Hidden users count
-- and have a place, but are left out, as on boards; banned users have none.
--
-- Concurrency: read-only; two runs may return the same round (see public.enqueue_quiz_summary).
-- Locks: none.
-- Returns: jsonb
--   [ {
--     round_id: bigint, bot: text, chat_id: bigint, thread_id: bigint, language: text, questions: int, polls: int,
--     players: int,
--     best: [ { place: int, name: text | null, number: int, right_answers: int } ]
--                            (places 1 to 10; name: null unless the user chose one; number: tells those without apart)
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
                join public.users as u on u.id = a.user_id
               where p.round_id = r.id and u.banned_at is null
            ),
            'best', (
              select coalesce(
                  jsonb_agg(
                    jsonb_build_object(
                      'place', b.place, 'name', n.name, 'number', private.board_number(b.id), 'right_answers', b.right_answers
                    )
                    order by b.place
                  ),
                  '[]'::jsonb
                )
                from (
                  select u.id,
                         count(*) filter (where a.is_right) as right_answers,
                         row_number() over (order by count(*) filter (where a.is_right) desc, max(a.answered_at), u.id) as place
                    from public.quiz_polls as p
                    join public.quiz_poll_answers as a on a.bot = p.bot and a.poll_id = p.poll_id
                    join public.users as u on u.id = a.user_id
                   where p.round_id = r.id and u.banned_at is null
                   group by u.id
                   order by place
                   limit 10
                ) as b
                left join public.board_profiles as n on n.user_id = b.id
               where not coalesce(n.is_hidden, false)
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

-- Deletes rounds of quiz polls that ended before the setting retention_quizzes_days, with their polls and the answers to them.
-- XP of the answers stays.
--
-- Concurrency: rows that another sweep or an answer has locked are skipped.
-- Locks: rounds (FOR UPDATE SKIP LOCKED), by summarized_at, then their polls and answers.
-- Returns: integer, how many; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_quiz_rounds(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before constant timestamptz := private.clock() - make_interval(days => private.setting('retention_quizzes_days')::integer);
  v_deleted integer;
begin
  delete from public.quiz_rounds as r
   using (
     select o.id
       from public.quiz_rounds as o
      where o.summarized_at < v_before
      order by o.summarized_at
      limit p_limit
        for update skip locked
   ) as old
   where r.id = old.id;
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

revoke all on function private.delete_old_quiz_rounds from public, anon, authenticated, service_role;
comment on function private.delete_old_quiz_rounds is 'Deletes rounds of quiz polls past their retention';

-- Deletes quizzes that began before the setting retention_quizzes_days, with their answers. What they were counted in stays:
-- quiz_totals, quiz_topics, quiz_days, quiz_cards and XP.
--
-- Concurrency: rows that another sweep or an answer has locked are skipped.
-- Locks: quizzes (FOR UPDATE SKIP LOCKED), by created_at, then their answers.
-- Returns: integer, how many; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_quiz_runs(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before constant timestamptz := private.clock() - make_interval(days => private.setting('retention_quizzes_days')::integer);
  v_deleted integer;
begin
  delete from public.quiz_runs as r
   using (
     select o.id
       from public.quiz_runs as o
      where o.created_at < v_before
      order by o.created_at
      limit p_limit
        for update skip locked
   ) as old
   where r.id = old.id;
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

revoke all on function private.delete_old_quiz_runs from public, anon, authenticated, service_role;
comment on function private.delete_old_quiz_runs is 'Deletes quizzes past their retention';

-- Finishes a quiz whose questions are all answered: its score, XP, badges and streak. A challenge has 100 points for each right
-- answer, and one more for each second under 20. An answer in less than two seconds was tapped without reading: it gives neither
-- XP nor points. A quiz with as many such answers as others, or more, was tapped through: it gives nothing and has no place on
-- the day's board.
--
-- Concurrency: the caller holds the user's row and the open quiz, and calls once.
-- Locks: the quiz, the user's row of quiz_totals, then as private.award_xp, public.record_activity, private.award_due_badges
--   and private.place_on_quiz_board.
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
         count(*) filter (where a.is_right and a.seconds >= 2) as counted,
         count(*) filter (where a.seconds < 2) as tapped,
         coalesce(sum(100 + greatest(20 - floor(a.seconds), 0)) filter (where a.is_right and a.seconds >= 2), 0) as score
    into v_result
    from public.quiz_answers as a
   where a.run_id = p_run.id and a.is_right is not null;
  v_is_fast := v_result.questions > 0 and 2 * v_result.tapped >= v_result.questions;
  select u.level into v_level from public.users as u where u.id = p_run.user_id;
  if not v_is_fast and v_result.questions > 0 then
    insert into public.quiz_totals as t (user_id, bot, runs, challenges)
    values (p_run.user_id, p_run.bot, 1, (p_run.kind = 'daily')::integer)
    on conflict (user_id, bot) do update
      set runs = t.runs + 1, challenges = t.challenges + excluded.challenges
    returning t.* into v_totals;
    select r.points * v_result.counted into v_points
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
    if p_run.kind = 'daily' then
      perform private.place_on_quiz_board(p_run.user_id, p_run.bot, p_run.day, v_result.score::bigint);
    end if;
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
-- first. Hidden users count and have a rank, but are left out; banned users and admins have none. Boards are kept for 14 days.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   day: date
--   total: bigint
--   entries: [ { rank: bigint, name: text | null, number: int, score: bigint, is_me: boolean } ]
--                          (at most p_limit; name: null unless the user chose one; number: tells those without apart)
--   rank: bigint | null    (null: not on the board)
--   score: bigint | null
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
  v_ids constant bigint[] := array(
    select s.user_id
      from public.board_scores as s
     where s.board = p_bot
       and s.period = 'challenge'
       and s.starts_on = v_day
       and s.is_listed
       and s.xp > 0
     order by -s.xp, s.reached_at, s.user_id
     limit least(greatest(p_limit, 0), 100)
  );
  v_score bigint;
begin
  select s.xp into v_score
    from public.board_scores as s
   where s.user_id = p_user_id and s.board = p_bot and s.period = 'challenge' and s.starts_on = v_day and s.is_ranked;
  return jsonb_build_object(
    'day', v_day,
    'total', private.board_total(p_bot, 'challenge', v_day),
    'entries', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'rank', e.value -> 'rank', 'name', e.value -> 'name', 'number', e.value -> 'number',
              'score', e.value -> 'xp', 'is_me', v_ids[e.position] = p_user_id
            )
            order by e.position
          ),
          '[]'::jsonb
        )
        from jsonb_array_elements(private.board_entries(p_bot, 'challenge', v_day, v_ids)) with ordinality as e (value, position)
    ),
    'rank', case when v_score is not null then private.board_rank(p_bot, 'challenge', v_day, v_score) end,
    'score', v_score
  );
end
$$;

revoke all on function public.get_quiz_board from public, anon, authenticated, service_role;
grant execute on function public.get_quiz_board to bot_backend;
comment on function public.get_quiz_board is 'The board of a day''s challenge';

-- Puts a user on the board of a day's challenge. The boards of challenges are those of XP, with the period 'challenge', so bans,
-- hiding, erasure, ranks and the sweep are the same. A challenge without points has no place.
--
-- Concurrency: the caller holds the user's row and calls once per challenge; a repetition changes nothing.
-- Locks: the user's row of board_scores.
-- Returns: void
-- Errors: none.
create or replace function private.place_on_quiz_board(p_user_id bigint, p_bot text, p_day date, p_score bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_ranked boolean;
begin
  if p_score = 0 then
    return;
  end if;
  insert into public.board_scores (user_id, board, period, starts_on, xp, reached_at, is_ranked, is_listed)
  select u.id, p_bot, 'challenge', p_day, p_score, private.clock(), r.is_ranked, r.is_ranked and not coalesce(p.is_hidden, false)
    from public.users as u
    left join public.board_profiles as p on p.user_id = u.id
   cross join lateral (select u.banned_at is null and not u.is_admin as is_ranked) as r
   where u.id = p_user_id
  on conflict (user_id, board, period, starts_on) do nothing
  returning is_ranked into v_is_ranked;
  if v_is_ranked then
    insert into public.board_changes (board, period, starts_on, old_xp, new_xp)
    values (p_bot, 'challenge', p_day, 0, p_score);
  end if;
end
$$;

revoke all on function private.place_on_quiz_board from public, anon, authenticated, service_role;
comment on function private.place_on_quiz_board is 'Puts a user on the board of a day''s challenge';

-- Releases what crashed workers hold, and deletes what is past its retention: requests reserved by updates that are
-- older than ten minutes and have no lease, finished and dead-lettered updates, messages, and request counters of
-- erased users. Also ends expired subscriptions, creates and drops partitions of api_usage, and enqueues alarms of
-- admins who wrote to a bot for the first time, and deletes the boards of past days and weeks, and old quizzes and rounds in
-- groups. p_limit: the most rows of each kind.
--
-- Concurrency: rows that another sweep or a worker has locked are skipped.
-- Locks: as the functions it calls, in their order here; each skips locked rows.
-- Returns: jsonb
--   { [text]: int }        (how many of each kind, at most p_limit: released, updates, messages, erased, subscriptions,
--                          months, alarms, boards, quizzes, rounds)
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
    'rounds', private.delete_old_quiz_rounds(p_limit)
  );
end
$$;

revoke all on function public.sweep from public, anon, authenticated, service_role;
grant execute on function public.sweep to bot_backend;
comment on function public.sweep is 'Releases stale reservations and deletes what is past its retention';

alter table public.board_scores drop constraint board_scores_period_check;

alter table public.board_scores add constraint board_scores_period_check CHECK ((period = ANY (ARRAY['all'::text, 'day'::text, 'week'::text, 'challenge'::text])));

CREATE INDEX quiz_rounds_old_idx ON public.quiz_rounds USING btree (summarized_at) WHERE (summarized_at IS NOT NULL);

CREATE INDEX quiz_runs_created_idx ON public.quiz_runs USING btree (created_at);

comment on column public.board_scores.period is 'Of XP: all, day or week; challenge: the points of a day''s challenge (private.place_on_quiz_board)';

comment on column public.quiz_runs.score is 'Points of a challenge; null of a quiz, and where the challenge was tapped through';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "retention_quizzes_days", "about": "Days that quizzes, rounds in groups and the answers to them are kept; the counts of answers are kept forever", "value": 180}') on conflict do nothing;
