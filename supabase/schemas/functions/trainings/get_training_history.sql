-- Returns a user's finished trainings with a score, newest first. For our own code and, through rpc with the secret key,
-- for other services of the same owner.
--
-- p_bot: of one bot; null: of all.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   total: int             (of all, beyond the limit)
--   trainings: [ {
--     bot: text, reference: text, scenario: text, mode: 'practice' | 'drill' | 'exam', score: int, clarity_level: int,
--     question_count: int, contextual_questions: int, per_type_counts: { [text]: int }, case_data: jsonb,
--     session_snapshot: jsonb, training_date: timestamptz
--   } ]
-- Errors: none.
create or replace function public.get_training_history(
  p_telegram_id bigint, p_bot text default null, p_limit integer default 20, p_offset integer default 0
)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'total', (
      select count(*)
        from public.training_history as h
        join public.users as u on u.id = h.user_id
       where u.telegram_id = p_telegram_id and (p_bot is null or h.bot = p_bot)
    ),
    'trainings', (
      select coalesce(
          jsonb_agg(to_jsonb(n.entry) - array['id', 'user_id'] order by n.training_date desc, n.id desc), '[]'
        )
        from (
          select h as entry, h.id, h.training_date
            from public.training_history as h
            join public.users as u on u.id = h.user_id
           where u.telegram_id = p_telegram_id and (p_bot is null or h.bot = p_bot)
           order by h.training_date desc, h.id desc
           limit least(greatest(p_limit, 0), 200) offset greatest(p_offset, 0)
        ) as n
    )
  );
$$;

revoke all on function public.get_training_history from public, anon, authenticated, service_role;
grant execute on function public.get_training_history to bot_backend, service_role;
comment on function public.get_training_history is 'Returns a users finished trainings';
