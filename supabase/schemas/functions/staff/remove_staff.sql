-- Takes the role of a member of the staff and cancels the invitations that they have sent. The user is logged out on the site.
--
-- Concurrency: changes of roles wait for each other; the second removal finds no role.
-- Locks: the advisory lock of roles, user (NO KEY UPDATE), then private.mark_staff, invitations.
-- Returns: jsonb
--   outcome: 'removed' | 'none'
-- Errors: N0009 the actor may not take this role.
create or replace function public.remove_staff(p_actor_id bigint, p_user_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account text := private.check_role_change(p_actor_id, array['operator']);
  v_before public.staff;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  select s.* into v_before from public.staff as s where s.user_id = p_user_id;
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  perform private.check_role_change(p_actor_id, array[v_before.role]);
  delete from public.staff as s where s.user_id = p_user_id;
  update public.staff_invitations as i
     set canceled_at = private.clock()
   where i.created_by = p_user_id and i.accepted_at is null and i.canceled_at is null;
  perform private.write_audit(
    v_account, 'remove_staff', p_user_id, null,
    jsonb_build_object('role', v_before.role, 'email', v_before.email), jsonb_build_object('role', null)
  );
  return jsonb_build_object('outcome', 'removed');
end
$$;

revoke all on function public.remove_staff from public, anon, authenticated, service_role;
grant execute on function public.remove_staff to bot_backend;
comment on function public.remove_staff is 'Takes the role of a member of the staff';
