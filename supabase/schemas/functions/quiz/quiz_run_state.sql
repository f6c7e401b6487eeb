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
