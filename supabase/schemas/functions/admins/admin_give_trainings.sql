-- Gives a user free trainings in an admin's name; a negative number takes unused ones back, down to zero. The user
-- gets one message.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first; without one every call acts.
-- Locks: user (NO KEY UPDATE), then the user's free trainings.
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: int            (unused free trainings)
--   after: int
--   id: bigint             (the audit entry, for admin_undo)
--   outgoing: outgoing     (the message to the user, sent once)
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user or number;
--   N0004 the number or the reason is invalid.
create or replace function public.admin_give_trainings(
  p_user_id bigint,
  p_quantity integer,
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
  v_known public.audit_log;
  v_id bigint;
begin
  if coalesce(p_quantity, 0) = 0 or abs(p_quantity) > 1000000 then
    raise exception 'the trainings must not be zero and must be at most 1000000 in absolute value' using errcode = 'N0004';
  elsif length(v_reason) > 500 then
    raise exception 'the reason must have at most 500 characters' using errcode = 'N0004';
  end if;
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'give_trainings', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'quantity')::integer <> p_quantity then
      raise exception 'the reference was used with another number' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false, 'before', v_known.before -> 'trainings', 'after', v_known.after -> 'trainings',
      'id', v_known.id, 'outgoing', '[]'::jsonb
    );
  end if;

  select coalesce(sum(f.quantity - f.used), 0) into v_before
    from public.free_trainings as f
   where f.user_id = p_user_id;
  if p_quantity > 0 then
    perform private.give_trainings(
      p_user_id, 'admin', coalesce(p_reference, gen_random_uuid()::text), p_quantity
    );
    v_after := v_before + p_quantity;
  else
    v_after := v_before - private.use_trainings(p_user_id, -p_quantity);
  end if;
  v_id := private.write_audit(
    v_email, 'give_trainings', p_user_id, p_reference,
    jsonb_build_object('trainings', v_before),
    jsonb_strip_nulls(
      jsonb_build_object('trainings', v_after, 'quantity', p_quantity, 'reason', v_reason)
    )
  );
  return jsonb_build_object(
    'applied', true, 'before', v_before, 'after', v_after, 'id', v_id,
    'outgoing', private.notify_adjustment(p_user_id, 'trainings', v_before, v_after)
  );
end
$$;

revoke all on function public.admin_give_trainings from public, anon, authenticated, service_role;
grant execute on function public.admin_give_trainings to bot_backend, service_role;
comment on function public.admin_give_trainings is 'Gives a user free trainings in an admin''s name';
