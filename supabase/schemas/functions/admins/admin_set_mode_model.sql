-- Gives a mode another model in an admin's name. The fallback stays, unless it is of the new model's provider: then the model that
-- the mode had becomes the fallback, since a fallback is of another provider.
--
-- Concurrency: the rows of model and mode are locked. With a reference it acts once.
-- Locks: model, mode (NO KEY UPDATE).
-- Returns: jsonb
--   {
--     outcome: 'applied'   (changed, or it was like this already; also for a repetition)
--       | 'unusable'       (the model is disabled or has ended)
--     model: private.model_card
--   } | null               (no such model, or no such mode of its kind)
-- Errors: N0001 not an admin; N0003 the reference was used with another action, mode or model.
create or replace function public.admin_set_mode_model(
  p_mode text, p_key text, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_model public.ai_models := private.lock_model(p_key);
  v_known public.audit_log := case when v_model.model is not null then private.find_audit_entry(p_reference, 'set_mode_model', null) end;
  v_mode public.ai_modes;
  v_after jsonb := jsonb_build_object('mode', p_mode, 'provider', v_model.provider, 'model', v_model.model);
begin
  select d.* into v_mode
    from public.ai_modes as d
   where d.key = p_mode and d.kind = v_model.kind
     for no key update;
  if v_mode.key is null then
    return null;
  end if;
  if v_known.id is not null then
    if v_known.after <> v_after then
      raise exception 'the reference was used with another mode or model' using errcode = 'N0003';
    end if;
  elsif not v_model.enabled or v_model.shutdown_on <= (private.clock() at time zone 'UTC')::date then
    return jsonb_build_object('outcome', 'unusable', 'model', private.model_card(v_model));
  elsif (v_mode.provider, v_mode.model) <> (v_model.provider, v_model.model) then
    update public.ai_modes as d
       set provider = v_model.provider,
           model = v_model.model,
           fallback_provider = case when d.fallback_provider = v_model.provider then d.provider else d.fallback_provider end,
           fallback_model = case when d.fallback_provider = v_model.provider then d.model else d.fallback_model end
     where d.key = p_mode;
    perform private.write_audit(
      v_email, 'set_mode_model', null, p_reference,
      jsonb_build_object('mode', p_mode, 'provider', v_mode.provider, 'model', v_mode.model), v_after
    );
  end if;
  return jsonb_build_object('outcome', 'applied', 'model', private.model_card(v_model));
end
$$;

revoke all on function public.admin_set_mode_model from public, anon, authenticated, service_role;
grant execute on function public.admin_set_mode_model to bot_backend, service_role;
comment on function public.admin_set_mode_model is 'Gives a mode another model';
