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
