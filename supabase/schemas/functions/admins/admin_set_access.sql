-- Shows which users the bots serve, and changes it in an admin's name: maintenance (admins only), and whether new users are served.
--
-- Concurrency: the settings are locked, so of two changes at once the audit log has both in order. With a reference it acts once.
-- Locks: the rows of the two settings (NO KEY UPDATE).
-- Returns: jsonb
--   mode: 'open' | 'invite' | 'closed'
--   maintenance: boolean
-- Errors: N0001 not an admin; N0003 the reference was used with another action; N0004 no such mode.
create or replace function public.admin_set_access(
  p_admin_email text, p_mode text default null, p_maintenance boolean default null, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_before jsonb;
  v_after jsonb;
  v_known public.audit_log;
begin
  if p_mode not in ('open', 'invite', 'closed') then
    raise exception 'no such mode' using errcode = 'N0004';
  end if;
  perform from private.settings as s where s.key in ('access_mode', 'maintenance') order by s.key for no key update;
  v_before := jsonb_build_object(
    'mode', private.setting('access_mode'), 'maintenance', private.setting('maintenance')::boolean
  );
  v_known := private.find_audit_entry(p_reference, 'set_access', null);
  if v_known.id is not null then
    return v_before;
  end if;
  v_after := jsonb_build_object(
    'mode', coalesce(p_mode, v_before ->> 'mode'),
    'maintenance', coalesce(p_maintenance, (v_before ->> 'maintenance')::boolean)
  );
  if v_after <> v_before then
    update private.settings as s
       set value = case s.key when 'access_mode' then v_after -> 'mode' else v_after -> 'maintenance' end
     where s.key in ('access_mode', 'maintenance');
    perform private.write_audit(v_email, 'set_access', null, p_reference, v_before, v_after);
  end if;
  return v_after;
end
$$;

revoke all on function public.admin_set_access from public, anon, authenticated, service_role;
grant execute on function public.admin_set_access to bot_backend;
comment on function public.admin_set_access is 'Shows and changes which users the bots serve';
