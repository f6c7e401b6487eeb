-- Gives a user a badge or takes it, in an admin's name, and writes it to the audit log as award_badge or revoke_badge.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first.
-- Locks: user (NO KEY UPDATE), the badge's row of user_badges.
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: boolean        (whether the user had it)
--   after: boolean
--   id: bigint             (the audit entry, for admin_undo)
-- Errors: N0002 no such user; N0003 the reference was used with another action, user or badge; N0004 the badge or the
--   reason is invalid.
create or replace function private.set_badge(
  p_email text, p_user_id bigint, p_badge text, p_bot text, p_has boolean, p_reference text, p_reason text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_action constant text := case when p_has then 'award_badge' else 'revoke_badge' end;
  v_reason constant text := nullif(trim(p_reason), '');
  v_known public.audit_log;
  v_before boolean;
  v_id bigint;
begin
  if p_bot is null or coalesce(p_badge, '') !~ '^[a-z][a-z0-9_]{0,63}$' then
    raise exception 'the badge or the bot is invalid' using errcode = 'N0004';
  elsif length(v_reason) > 500 then
    raise exception 'the reason must have at most 500 characters' using errcode = 'N0004';
  end if;
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, v_action, p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'badge', v_known.after ->> 'bot') <> (p_badge, p_bot) then
      raise exception 'the reference was used with another badge' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false, 'before', v_known.before -> 'has', 'after', v_known.after -> 'has', 'id', v_known.id
    );
  end if;
  v_before := private.switch_badge(p_user_id, p_badge, p_bot, p_has);
  v_id := private.write_audit(
    p_email, v_action, p_user_id, p_reference,
    jsonb_build_object('badge', p_badge, 'bot', p_bot, 'has', v_before),
    jsonb_strip_nulls(jsonb_build_object('badge', p_badge, 'bot', p_bot, 'has', p_has, 'reason', v_reason))
  );
  return jsonb_build_object('applied', true, 'before', v_before, 'after', p_has, 'id', v_id);
end
$$;

revoke all on function private.set_badge from public, anon, authenticated, service_role;
comment on function private.set_badge is 'Gives a user a badge or takes it, in an admin''s name';
