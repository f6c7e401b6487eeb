-- Finds a user's open training in a bot and locks it.
--
-- Concurrency: the caller holds the user's row or its key, so the training is not erased meanwhile.
-- Locks: the training.
-- Returns: public.trainings, null where there is none.
-- Errors: none.
create or replace function private.find_open_training(p_user_id bigint, p_bot text)
returns public.trainings
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select t.* from public.trainings as t where t.user_id = p_user_id and t.bot = p_bot and t.status = 'open' for update;
$$;

revoke all on function private.find_open_training from public, anon, authenticated, service_role;
comment on function private.find_open_training is 'Finds a users open training in a bot and locks it';
