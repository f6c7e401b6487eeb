-- Consumes the access to a training: a plan, a bonus credit or a free training, under the training's own reference, longer
-- where another service has used that one.
--
-- Concurrency: the caller holds the user and the training, and consumes once for it.
-- Locks: as public.consume_access.
-- Returns: jsonb, as public.consume_access
-- Errors: none.
create or replace function private.consume_for_training(p_training public.trainings, p_telegram_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reference text := concat(p_training.bot, ':', p_training.id);
begin
  -- Not consumed yet, so a reference that is known is that of another service.
  while exists (select from public.access_usages as a where a.reference = v_reference) loop
    v_reference := v_reference || ':own';
  end loop;
  return public.consume_access(p_telegram_id, v_reference);
end
$$;

revoke all on function private.consume_for_training from public, anon, authenticated, service_role;
comment on function private.consume_for_training is 'Consumes the access to a training';
