-- Reads a model by its short name (private.model_key) and locks it until the transaction ends.
--
-- Concurrency: the second caller waits for the first.
-- Locks: model (NO KEY UPDATE).
-- Returns: public.ai_models, the model; null for no such one.
-- Errors: none.
create or replace function private.lock_model(p_key text)
returns public.ai_models
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_model public.ai_models;
begin
  select m.* into v_model
    from public.ai_models as m
   where private.model_key(m.provider, m.model) = p_key
     for no key update;
  return v_model;
end
$$;

revoke all on function private.lock_model from public, anon, authenticated, service_role;
comment on function private.lock_model is 'Reads a model by its short name and locks it until the transaction ends';
