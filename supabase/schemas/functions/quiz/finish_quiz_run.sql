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
