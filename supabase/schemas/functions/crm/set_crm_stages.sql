-- Sets the stages of leads, a list of texts in their order. A stage that leads are in may be removed: they keep it, and the board shows it.
--
-- Concurrency: the last one wins.
-- Locks: the setting's row.
-- Returns: jsonb
--   outcome: 'saved' | 'wrong'       (wrong: none, more than 12, one twice or longer than 40 characters)
-- Errors: N0009 the user's role does not allow it.
create or replace function public.set_crm_stages(p_actor_id bigint, p_stages jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'admin');
  v_before jsonb := private.setting('crm_stages')::jsonb;
begin
  if jsonb_array_length(p_stages) not between 1 and 12
    or (select count(distinct s) from jsonb_array_elements_text(p_stages) as s where length(s) between 1 and 40)
      <> jsonb_array_length(p_stages)
  then
    return jsonb_build_object('outcome', 'wrong');
  end if;
  update private.settings as s set value = p_stages where s.key = 'crm_stages';
  perform private.write_audit(
    v_account, 'set_crm_stages', null, null, jsonb_build_object('stages', v_before),
    jsonb_build_object('stages', p_stages)
  );
  return jsonb_build_object('outcome', 'saved');
end
$$;

revoke all on function public.set_crm_stages from public, anon, authenticated, service_role;
grant execute on function public.set_crm_stages to bot_backend;
comment on function public.set_crm_stages is 'Sets the stages of leads';
