-- Returns the result of a user's finished training, to be opened again.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { result: private.training_result } | null    (null: no finished training of this user has the id)
-- Errors: none.
create or replace function public.get_training_result(p_user_id bigint, p_training_id bigint)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('result', private.training_result(t))
    from public.trainings as t
   where t.id = p_training_id and t.user_id = p_user_id and t.status = 'finished';
$$;

revoke all on function public.get_training_result from public, anon, authenticated, service_role;
grant execute on function public.get_training_result to bot_backend;
comment on function public.get_training_result is 'Returns the result of a users finished training';
