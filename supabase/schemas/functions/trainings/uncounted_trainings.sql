-- Returns the finished trainings of a user that left nothing in the history, for the screen of a user without any history.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   short: int             (with too few questions, or over too fast)
--   reversed: int          (with reversed roles)
--   min_questions: int     (of the last short one; 0: there is none)
--   min_seconds: int
-- Errors: none.
create or replace function public.uncounted_trainings(p_user_id bigint, p_bot text)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'short', count(*) filter (where t.mode not in ('reversed', 'review')),
      'reversed', count(*) filter (where t.mode = 'reversed'),
      'min_questions', coalesce(
        (array_agg(t.rules ->> 'min_questions' order by t.id desc) filter (where t.mode not in ('reversed', 'review')))[1]::integer, 0
      ),
      'min_seconds', coalesce(
        (array_agg(t.rules ->> 'min_seconds' order by t.id desc) filter (where t.mode not in ('reversed', 'review')))[1]::integer, 0
      )
    )
    from public.trainings as t
   where t.user_id = p_user_id and t.bot = p_bot and t.status = 'finished' and not private.training_counts(t);
$$;

revoke all on function public.uncounted_trainings from public, anon, authenticated, service_role;
grant execute on function public.uncounted_trainings to bot_backend;
comment on function public.uncounted_trainings is 'Returns the finished trainings of a user that left nothing in the history';
