-- Enables or disables an AI model in an admin's name. A disabled model is in no mode; its calls and prices stay.
--
-- Concurrency: the model's row is locked. With a reference it acts once.
-- Locks: model (NO KEY UPDATE).
-- Returns: jsonb
--   private.model_card | null      (as it is now; null: no such model)
-- Errors: N0001 not an admin; N0003 the reference was used with another action, model or state.
create or replace function public.admin_switch_model(
  p_key text, p_is_active boolean, p_admin_email text, p_reference text default null
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
  v_known public.audit_log := case when v_model.model is not null then private.find_audit_entry(p_reference, 'switch_model', null) end;
  v_after jsonb := jsonb_build_object('provider', v_model.provider, 'model', v_model.model, 'is_active', p_is_active);
begin
  if v_model.model is null then
    return null;
  end if;
  if v_known.id is not null then
    if v_known.after <> v_after then
      raise exception 'the reference was used with another model or state' using errcode = 'N0003';
    end if;
  elsif v_model.enabled <> p_is_active then
    update public.ai_models as m
       set enabled = p_is_active
     where m.provider = v_model.provider and m.model = v_model.model
    returning m.* into v_model;
    perform private.write_audit(
      v_email, 'switch_model', null, p_reference, v_after || jsonb_build_object('is_active', not p_is_active), v_after
    );
  end if;
  return private.model_card(v_model);
end
$$;

revoke all on function public.admin_switch_model from public, anon, authenticated, service_role;
grant execute on function public.admin_switch_model to bot_backend, service_role;
comment on function public.admin_switch_model is 'Enables or disables an AI model';
