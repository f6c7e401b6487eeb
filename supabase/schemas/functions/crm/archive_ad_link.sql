-- Archives the link of an advertisement, or takes it back. It works and counts either way.
--
-- Concurrency: sets a state.
-- Locks: the link.
-- Returns: jsonb
--   found: boolean
-- Errors: N0009 the user's role does not allow it.
create or replace function public.archive_ad_link(p_actor_id bigint, p_link_id bigint, p_is_archived boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'admin');
  v_key text;
begin
  update public.ad_links as l
     set archived_at = case when p_is_archived then coalesce(l.archived_at, private.clock()) end
   where l.id = p_link_id
  returning l.key into v_key;
  if not found then
    return jsonb_build_object('found', false);
  end if;
  perform private.write_audit(
    v_account, 'archive_ad_link', null, null, '{}', jsonb_build_object('key', v_key, 'is_archived', p_is_archived)
  );
  return jsonb_build_object('found', true);
end
$$;

revoke all on function public.archive_ad_link from public, anon, authenticated, service_role;
grant execute on function public.archive_ad_link to bot_backend;
comment on function public.archive_ad_link is 'Archives the link of an advertisement';
