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
