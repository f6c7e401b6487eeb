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
