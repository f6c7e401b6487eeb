-- Returns a user's reviews of conversations, newest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { training_id: bigint, score: int, question_count: int, created_at: timestamptz } ]    (the last five)
-- Errors: none.
create or replace function public.list_reviews(p_user_id bigint, p_bot text)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'training_id', n.id, 'score', (n.result ->> 'score')::integer, 'question_count', n.question_count,
          'created_at', n.created_at
        )
        order by n.id desc
      ),
      '[]'
    )
    from (
      select t.id, t.result, t.question_count, t.created_at
        from public.trainings as t
       where t.user_id = p_user_id and t.bot = p_bot and t.mode = 'review'
       order by t.id desc
       limit 5
    ) as n;
$$;

revoke all on function public.list_reviews from public, anon, authenticated, service_role;
grant execute on function public.list_reviews to bot_backend;
comment on function public.list_reviews is 'Returns a user''s reviews of conversations';
