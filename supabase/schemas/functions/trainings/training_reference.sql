-- Returns the reference of a finished training in the history and in the ledger of XP: its bot and its number, longer where
-- another service has used that one.
--
-- Concurrency: the caller holds the user, so no award is stored meanwhile. Of a row of the history that another service
--   stores meanwhile, the unique constraint raises, and the next try finds it.
-- Locks: none.
-- Returns: text
-- Errors: none.
create or replace function private.training_reference(p_training public.trainings)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reference text := concat(p_training.bot, ':', p_training.id);
begin
  loop
    v_reference := private.unused_reference(p_training.user_id, 'training_finished', v_reference);
    exit when not exists (
      select
        from public.training_history as h
       where h.user_id = p_training.user_id and h.bot = p_training.bot and h.reference = v_reference
    );
    v_reference := v_reference || ':own';
  end loop;
  return v_reference;
end
$$;

revoke all on function private.training_reference from public, anon, authenticated, service_role;
comment on function private.training_reference is 'Returns the reference of a finished training in the history and in the ledger of XP';
