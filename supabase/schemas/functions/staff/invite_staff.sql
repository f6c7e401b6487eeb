-- Creates an invitation to the staff. Its link works once, for three days.
--
-- Concurrency: the hash of the token is unique; a repeated call changes nothing.
-- Locks: the advisory lock of roles, the new row.
-- Returns: jsonb
--   outcome: 'invited' | 'email_missing' | 'email_wrong' | 'email_taken'
-- Errors: N0004 no such role; N0009 the actor may not give this role.
create or replace function public.invite_staff(p_actor_id bigint, p_role text, p_token_hash bytea, p_email text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_email text := lower(nullif(trim(p_email), ''));
  v_account text;
  v_wrong text;
begin
  if p_role is null or p_role not in ('admin', 'operator', 'author') then
    raise exception 'no such role' using errcode = 'N0004';
  end if;
  v_account := private.check_role_change(p_actor_id, array[p_role]);
  v_wrong := private.check_staff_email(p_role, v_email, null);
  if v_wrong is not null then
    return jsonb_build_object('outcome', v_wrong);
  end if;
  insert into public.staff_invitations (token_hash, role, email, created_by, created_at, expires_at)
  values (p_token_hash, p_role, v_email, p_actor_id, v_now, v_now + interval '3 days')
  on conflict (token_hash) do nothing;
  if found then
    perform private.write_audit(
      v_account, 'invite_staff', null, null, '{}', jsonb_build_object('role', p_role, 'email', v_email)
    );
  end if;
  return jsonb_build_object('outcome', 'invited');
end
$$;

revoke all on function public.invite_staff from public, anon, authenticated, service_role;
grant execute on function public.invite_staff to bot_backend;
comment on function public.invite_staff is 'Creates an invitation to the staff';
