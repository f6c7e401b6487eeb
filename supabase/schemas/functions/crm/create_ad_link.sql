-- Creates the link of an advertisement. Without p_key it gets a short one of its own.
--
-- Concurrency: the key is unique; a form that is sent twice finds its link.
-- Locks: none but the new row.
-- Returns: jsonb
--   outcome: 'created' | 'known' | 'taken'
--   key: text
-- Errors: N0009 the user's role does not allow it.
create or replace function public.create_ad_link(p_actor_id bigint, p_name text, p_key text, p_reference text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'admin');
  v_reference constant text := format('ad_link:%s:%s', p_actor_id, p_reference);
  v_key text := coalesce(nullif(p_key, ''), substr(md5(v_reference), 1, 6));
  v_before jsonb;
begin
  select l.after into v_before from public.audit_log as l where l.reference = v_reference;
  if found then
    return jsonb_build_object('outcome', 'known', 'key', v_before ->> 'key');
  end if;
  insert into public.ad_links (key, name) values (v_key, left(p_name, 100)) on conflict (key) do nothing;
  if not found then
    return jsonb_build_object('outcome', 'taken', 'key', v_key);
  end if;
  perform private.write_audit(
    v_account, 'create_ad_link', null, v_reference, '{}', jsonb_build_object('key', v_key, 'name', left(p_name, 100))
  );
  return jsonb_build_object('outcome', 'created', 'key', v_key);
end
$$;

revoke all on function public.create_ad_link from public, anon, authenticated, service_role;
grant execute on function public.create_ad_link to bot_backend;
comment on function public.create_ad_link is 'Creates the link of an advertisement';
