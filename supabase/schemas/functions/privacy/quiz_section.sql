-- Collects what is stored about a user's quizzes. Of answers and quizzes it holds the newest 10,000.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.quiz_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'runs', (
      select coalesce(jsonb_agg(to_jsonb(r.run) - 'user_id' order by r.id), '[]'::jsonb)
        from (
          select q as run, q.id from public.quiz_runs as q where q.user_id = p_user_id order by q.id desc limit 10000
        ) as r
    ),
    'answers', (
      select coalesce(jsonb_agg(to_jsonb(a.answer) - 'user_id' order by a.run_id, a.n), '[]'::jsonb)
        from (
          select q as answer, q.run_id, q.n
            from public.quiz_answers as q
           where q.user_id = p_user_id
           order by q.answered_at desc
           limit 10000
        ) as a
    ),
    'cards', (
      select coalesce(jsonb_agg(to_jsonb(c) - 'user_id' order by c.question), '[]'::jsonb)
        from public.quiz_cards as c
       where c.user_id = p_user_id
    ),
    'totals', (
      select coalesce(jsonb_agg(to_jsonb(t) - 'user_id' order by t.bot), '[]'::jsonb)
        from public.quiz_totals as t
       where t.user_id = p_user_id
    ),
    'topics', (
      select coalesce(jsonb_agg(to_jsonb(t) - 'user_id' order by t.bot, t.topic), '[]'::jsonb)
        from public.quiz_topics as t
       where t.user_id = p_user_id
    ),
    'days', (
      select coalesce(jsonb_agg(to_jsonb(d) - 'user_id' order by d.day, d.bot), '[]'::jsonb)
        from public.quiz_days as d
       where d.user_id = p_user_id
    ),
    'reminders', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.bot), '[]'::jsonb)
        from public.quiz_reminders as m
       where m.user_id = p_user_id
    ),
    'rounds', (
      select coalesce(jsonb_agg(to_jsonb(r) - array['id', 'user_id'] order by r.id), '[]'::jsonb)
        from public.quiz_rounds as r
       where r.user_id = p_user_id
    ),
    'poll_answers', (
      select coalesce(jsonb_agg(to_jsonb(a.answer) - 'user_id' order by a.answered_at, a.poll_id), '[]'::jsonb)
        from (
          select p as answer, p.answered_at, p.poll_id
            from public.quiz_poll_answers as p
           where p.user_id = p_user_id
           order by p.answered_at desc
           limit 10000
        ) as a
    )
  );
$$;

revoke all on function private.quiz_section from public, anon, authenticated, service_role;
comment on function private.quiz_section is 'Collects what is stored about a user''s quizzes';
