-- Bans a user from every bot in an admin's name. The user gets one notice and no further answers.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first. A user who is banned already gets the new reason and no second notice.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: { banned_at: timestamptz | null, reason: text | null }
--   after: public.admin_ban_user.before
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action or user; N0004 the
--   reason is invalid; N0005 the user is an admin.
create or replace function public.admin_ban_user(
  p_user_id bigint, p_reason text, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_reason text := nullif(trim(p_reason), '');
  v_user public.users;
  v_known public.audit_log;
  v_before jsonb;
  v_after jsonb;
begin
  if length(v_reason) > 500 then
    raise exception 'the reason must have at most 500 characters' using errcode = 'N0004';
  end if;
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'ban_user', p_user_id);
  if v_known.id is not null then
    return jsonb_build_object('applied', false, 'before', v_known.before, 'after', v_known.after);
  elsif v_user.is_admin then
    raise exception 'an admin cannot be banned' using errcode = 'N0005';
  end if;

  v_before := jsonb_build_object('banned_at', v_user.banned_at, 'reason', v_user.ban_reason);
  update public.users as u
     set banned_at = coalesce(u.banned_at, private.clock()), ban_reason = v_reason
   where u.id = p_user_id
  returning jsonb_build_object('banned_at', u.banned_at, 'reason', u.ban_reason) into v_after;
  perform private.write_audit(v_email, 'ban_user', p_user_id, p_reference, v_before, v_after);
  return jsonb_build_object('applied', true, 'before', v_before, 'after', v_after);
end
$$;

revoke all on function public.admin_ban_user from public, anon, authenticated, service_role;
grant execute on function public.admin_ban_user to bot_backend, service_role;
comment on function public.admin_ban_user is 'Bans a user from every bot in an admin''s name';
