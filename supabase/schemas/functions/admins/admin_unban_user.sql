-- Lifts a user's ban in an admin's name, and enqueues a message to the user. A user who was not banned is not
-- changed; the audit entry is written all the same.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: public.admin_ban_user.before
--   after: public.admin_ban_user.before
--   outgoing: outgoing     (empty for a user who was not banned or got no message about the ban)
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action or user.
create or replace function public.admin_unban_user(
  p_user_id bigint, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_user public.users;
  v_known public.audit_log;
  v_before jsonb;
  v_after constant jsonb := jsonb_build_object('banned_at', null, 'reason', null);
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'unban_user', p_user_id);
  if v_known.id is not null then
    return jsonb_build_object('applied', false, 'before', v_known.before, 'after', v_known.after, 'outgoing', '[]'::jsonb);
  end if;

  v_before := jsonb_build_object('banned_at', v_user.banned_at, 'reason', v_user.ban_reason);
  update public.users as u
     set banned_at = null, ban_reason = null, ban_notified = false
   where u.id = p_user_id and u.banned_at is not null;
  perform private.write_audit(v_email, 'unban_user', p_user_id, p_reference, v_before, v_after);
  return jsonb_build_object('applied', true, 'before', v_before, 'after', v_after, 'outgoing', case
    when v_user.ban_notified then private.notify_user(p_user_id, 'unbanned', '{}') else '[]'::jsonb
  end);
end
$$;

revoke all on function public.admin_unban_user from public, anon, authenticated, service_role;
grant execute on function public.admin_unban_user to bot_backend, service_role;
comment on function public.admin_unban_user is 'Lifts a user''s ban in an admin''s name';
