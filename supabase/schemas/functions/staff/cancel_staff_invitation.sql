-- Cancels an invitation to the staff that has not been used.
--
-- Concurrency: of a cancellation and an acceptance at once, the first counts.
-- Locks: the advisory lock of roles, invitation.
-- Returns: jsonb
--   outcome: 'canceled' | 'none'
-- Errors: N0009 the actor may not change this role.
create or replace function public.cancel_staff_invitation(p_actor_id bigint, p_invitation_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account text := private.check_role_change(p_actor_id, array['operator']);
  v_invitation public.staff_invitations;
begin
  select i.* into v_invitation
    from public.staff_invitations as i
   where i.id = p_invitation_id and i.accepted_at is null and i.canceled_at is null
     for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  perform private.check_role_change(p_actor_id, array[v_invitation.role]);
  update public.staff_invitations as i set canceled_at = private.clock() where i.id = p_invitation_id;
  perform private.write_audit(
    v_account, 'cancel_staff_invitation', null, null,
    jsonb_build_object('role', v_invitation.role, 'email', v_invitation.email), jsonb_build_object('role', null)
  );
  return jsonb_build_object('outcome', 'canceled');
end
$$;

revoke all on function public.cancel_staff_invitation from public, anon, authenticated, service_role;
grant execute on function public.cancel_staff_invitation to bot_backend;
comment on function public.cancel_staff_invitation is 'Cancels an invitation to the staff';
