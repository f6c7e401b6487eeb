-- Gives a user bonus credits in an admin's name; a negative number takes some back, down to zero. The user gets one
-- message.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first; without one every call acts.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: int            (bonus credits)
--   after: int
--   id: bigint             (the audit entry, for admin_undo)
--   outgoing: outgoing     (the message to the user, sent once)
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user or number;
--   N0004 the number or the reason is invalid.
create or replace function public.admin_add_bonus_credits(
  p_user_id bigint,
  p_credits integer,
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
  v_before integer;
  v_after integer;
  v_known public.audit_log;
  v_id bigint;
begin
  if coalesce(p_credits, 0) = 0 or abs(p_credits) > 1000000 then
    raise exception 'the credits must not be zero and must be at most 1000000 in absolute value' using errcode = 'N0004';
  elsif length(v_reason) > 500 then
    raise exception 'the reason must have at most 500 characters' using errcode = 'N0004';
  end if;
  select u.bonus_credits into v_before from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'add_bonus_credits', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'credits')::integer <> p_credits then
      raise exception 'the reference was used with another number' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false,
      'before', v_known.before -> 'bonus_credits',
      'after', v_known.after -> 'bonus_credits',
      'id', v_known.id,
      'outgoing', '[]'::jsonb
    );
  end if;

  v_after := greatest(v_before + p_credits, 0);
  update public.users as u set bonus_credits = v_after where u.id = p_user_id;
  v_id := private.write_audit(
    v_email, 'add_bonus_credits', p_user_id, p_reference,
    jsonb_build_object('bonus_credits', v_before),
    jsonb_strip_nulls(
      jsonb_build_object('bonus_credits', v_after, 'credits', p_credits, 'reason', v_reason)
    )
  );
  return jsonb_build_object(
    'applied', true, 'before', v_before, 'after', v_after, 'id', v_id,
    'outgoing', private.notify_adjustment(p_user_id, 'credits', v_before, v_after)
  );
end
$$;

revoke all on function public.admin_add_bonus_credits from public, anon, authenticated, service_role;
grant execute on function public.admin_add_bonus_credits to bot_backend, service_role;
comment on function public.admin_add_bonus_credits is 'Gives a user bonus credits in an admin''s name';
