-- Notes a question that was suggested in the open training, by its hash: to copy it gives nothing for context.
--
-- Concurrency: the training is locked; a hash is noted once.
-- Locks: training.
-- Returns: void
-- Errors: none.
create or replace function public.add_training_tip(p_user_id bigint, p_training_id bigint, p_hash text)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.trainings as t
     set tips = t.tips || to_jsonb(p_hash)
   where t.id = p_training_id and t.user_id = p_user_id and t.status = 'open' and not t.tips ? p_hash;
$$;

revoke all on function public.add_training_tip from public, anon, authenticated, service_role;
grant execute on function public.add_training_tip to bot_backend;
comment on function public.add_training_tip is 'Notes a question that was suggested in a training';
