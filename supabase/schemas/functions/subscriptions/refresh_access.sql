-- Derives a user's access from their subscriptions: vip_level is the highest level of their current plans, is_paid whether it
-- is above the free plan. An admin always has is_paid.
--
-- Concurrency: the user's row is locked first, so the later of two calls sees the changes of both.
-- Locks: user (NO KEY UPDATE).
-- Returns: void
-- Errors: none.
create or replace function private.refresh_access(p_user_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_vip_level integer;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  v_vip_level := private.level_of(p_user_id);
  if v_user.vip_level <> v_vip_level or v_user.is_paid <> (v_vip_level > 0 or v_user.is_admin) then
    update public.users as u
       set vip_level = v_vip_level, is_paid = v_vip_level > 0 or u.is_admin
     where u.id = p_user_id;
  end if;
end
$$;

revoke all on function private.refresh_access from public, anon, authenticated, service_role;
comment on function private.refresh_access is 'Derives vip_level and is_paid from the subscriptions';
