-- Gives the user who opened the link of an invitation its role. The invitation counts while the one who sent it may still give
-- the role. The sender gets a message.
--
-- Concurrency: changes of roles wait for each other: of two users who open a link at once, one gets the role. The same user
--   again gets the same result.
-- Locks: the advisory lock of roles, user (NO KEY UPDATE), invitation, then private.mark_staff.
-- Returns: jsonb
--   outcome: 'given' | 'known' | 'gone'   (known: the user has the role or a higher one, and the link stays valid)
--   role?: text                           (given, known)
--   outgoing?: outgoing                   (given: to deliver now)
-- Errors: none.
create or replace function public.accept_staff_invitation(p_user_id bigint, p_token_hash bytea)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_user public.users;
  v_invitation public.staff_invitations;
  v_before public.staff;
  v_role text;
begin
  perform pg_advisory_xact_lock(hashtextextended('roles of staff', 0));
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  select i.* into v_invitation from public.staff_invitations as i where i.token_hash = p_token_hash for update;
  v_role := private.staff_role(p_user_id);
  if v_invitation.accepted_by = p_user_id and v_role = v_invitation.role then
    return jsonb_build_object('outcome', 'given', 'role', v_role, 'outgoing', '[]'::jsonb);
  elsif v_user.id is null
    or v_user.banned_at is not null
    or v_invitation.id is null
    or v_invitation.accepted_at is not null
    or v_invitation.canceled_at is not null
    or v_invitation.expires_at <= v_now
    or not private.role_includes(
      private.staff_role(v_invitation.created_by), case when v_invitation.role = 'admin' then 'owner' else 'admin' end
    )
  then
    return jsonb_build_object('outcome', 'gone');
  elsif v_role = v_invitation.role or v_role in ('owner', 'admin') then
    return jsonb_build_object('outcome', 'known', 'role', v_role);
  end if;
  select s.* into v_before from public.staff as s where s.user_id = p_user_id;
  if private.check_staff_email(v_invitation.role, v_invitation.email, p_user_id) is not null then
    return jsonb_build_object('outcome', 'gone');
  end if;
  update public.staff_invitations as i
     set accepted_at = v_now, accepted_by = p_user_id
   where i.id = v_invitation.id;
  insert into public.staff (user_id, role, email, added_by)
  values (p_user_id, v_invitation.role, coalesce(v_invitation.email, v_before.email), v_invitation.created_by)
  on conflict (user_id) do update set role = excluded.role, email = excluded.email, added_by = excluded.added_by;
  perform private.write_audit(
    private.account_name(v_invitation.created_by), 'accept_staff_invitation', p_user_id, null,
    jsonb_build_object('role', v_before.role, 'email', v_before.email),
    jsonb_build_object('role', v_invitation.role, 'email', coalesce(v_invitation.email, v_before.email))
  );
  return jsonb_build_object(
    'outcome', 'given',
    'role', v_invitation.role,
    'outgoing', private.notify_user(
      v_invitation.created_by, 'staff_joined_' || v_invitation.role,
      jsonb_build_object('name', jsonb_build_object('name', concat_ws(' ', v_user.first_name, v_user.last_name)))
    )
  );
end
$$;

revoke all on function public.accept_staff_invitation from public, anon, authenticated, service_role;
grant execute on function public.accept_staff_invitation to bot_backend;
comment on function public.accept_staff_invitation is 'Gives the user who opened the link of an invitation its role';
