-- Returns the result of the training that an update finished, so that its redelivery can send the result.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { result: private.training_result } | null    (null: the update finished no training)
-- Errors: none.
create or replace function public.training_finished_by(p_user_id bigint, p_bot text, p_reference text)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('result', private.training_result(t))
    from public.trainings as t
   where t.user_id = p_user_id and t.bot = p_bot and t.status = 'finished' and t.turn_reference = p_reference
   order by t.id desc
   limit 1;
$$;

revoke all on function public.training_finished_by from public, anon, authenticated, service_role;
grant execute on function public.training_finished_by to bot_backend;
comment on function public.training_finished_by is 'Returns the result of the training that an update finished';
