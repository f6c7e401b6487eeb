-- Gives a user XP in an admin's name, or takes some, down to zero: a correction in the ledger (private.award_xp). It counts on
-- the board of all bots and all time. The user gets one message, and one about a new level.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first; without one every call acts.
-- Locks: user (NO KEY UPDATE), then as private.award_xp.
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: bigint         (total XP)
--   after: bigint
--   id: bigint             (the audit entry, for admin_undo)
--   outgoing: outgoing     (the messages to the user, sent once)
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user or number;
--   N0004 the number or the reason is invalid.
create or replace function public.admin_adjust_xp(
  p_user_id bigint,
  p_points integer,
  p_admin_email text,
  p_reference text default null,
  p_reason text default null
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
  v_before bigint;
  v_after bigint;
  v_award jsonb;
  v_known public.audit_log;
  v_id bigint;
begin
  if coalesce(p_points, 0) = 0 or abs(p_points) > 1000000 then
    raise exception 'the points must not be zero and must be at most 1000000 in absolute value' using errcode = 'N0004';
  elsif length(v_reason) > 500 then
    raise exception 'the reason must have at most 500 characters' using errcode = 'N0004';
  end if;
  select u.total_xp into v_before from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'adjust_xp', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'points')::integer <> p_points then
      raise exception 'the reference was used with another number' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false, 'before', v_known.before -> 'total_xp', 'after', v_known.after -> 'total_xp',
      'id', v_known.id, 'outgoing', '[]'::jsonb
    );
  end if;

  v_award := private.award_xp(
    p_user_id, '', 'correction', 'admins:' || coalesce(p_reference, gen_random_uuid()::text), p_points
  );
  v_after := (v_award ->> 'total_xp')::bigint;
  v_id := private.write_audit(
    v_email, 'adjust_xp', p_user_id, p_reference,
    jsonb_build_object('total_xp', v_before),
    jsonb_strip_nulls(jsonb_build_object('total_xp', v_after, 'points', p_points, 'reason', v_reason))
  );
  return jsonb_build_object(
    'applied', true, 'before', v_before, 'after', v_after, 'id', v_id,
    'outgoing', private.notify_adjustment(p_user_id, 'xp', v_before, v_after)
      || private.announce_level(p_user_id, '', v_award)
  );
end
$$;

revoke all on function public.admin_adjust_xp from public, anon, authenticated, service_role;
grant execute on function public.admin_adjust_xp to bot_backend, service_role;
comment on function public.admin_adjust_xp is 'Gives a user XP in an admin''s name, or takes some';
