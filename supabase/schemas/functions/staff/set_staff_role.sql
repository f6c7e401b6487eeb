-- Gives a known user a role, or changes it. The user gets a message and is logged out on the site.
--
-- Concurrency: changes of roles wait for each other. The same role again changes nothing but the e-mail address.
-- Locks: the advisory lock of roles, user (NO KEY UPDATE), then private.mark_staff.
-- Returns: jsonb
--   outcome: 'given' | 'known' | 'owner' | 'banned' | 'unknown' | 'email_missing' | 'email_wrong' | 'email_taken'
--                              (known: the user has the role already; owner: owners have every right; unknown: no such user)
--   outgoing?: outgoing        (given: to deliver now)
-- Errors: N0004 no such role; N0009 the actor may not give or change this role.
create or replace function public.set_staff_role(p_actor_id bigint, p_user_id bigint, p_role text, p_email text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := lower(nullif(trim(p_email), ''));
  v_account text;
  v_user public.users;
  v_before public.staff;
  v_wrong text;
begin
  if p_role is null or p_role not in ('admin', 'operator', 'author') then
    raise exception 'no such role' using errcode = 'N0004';
  end if;
  v_account := private.check_role_change(p_actor_id, array[p_role]);
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  elsif exists (select from public.admins as a where a.telegram_id = v_user.telegram_id) then
    return jsonb_build_object('outcome', 'owner');
  elsif v_user.banned_at is not null then
    return jsonb_build_object('outcome', 'banned');
  end if;
  select s.* into v_before from public.staff as s where s.user_id = p_user_id;
  perform private.check_role_change(p_actor_id, array[v_before.role]);
  v_email := coalesce(v_email, v_before.email);
  v_wrong := private.check_staff_email(p_role, v_email, p_user_id);
  if v_wrong is not null then
    return jsonb_build_object('outcome', v_wrong);
  elsif v_before.role = p_role and v_before.email is not distinct from v_email then
    return jsonb_build_object('outcome', 'known');
  end if;
  insert into public.staff as s (user_id, role, email, added_by)
  values (p_user_id, p_role, v_email, p_actor_id)
  on conflict (user_id) do update set role = excluded.role, email = excluded.email, added_by = excluded.added_by;
  perform private.write_audit(
    v_account, 'set_staff_role', p_user_id, null,
    jsonb_build_object('role', v_before.role, 'email', v_before.email), jsonb_build_object('role', p_role, 'email', v_email)
  );
  if v_before.role = p_role then
    return jsonb_build_object('outcome', 'known');
  end if;
  return jsonb_build_object('outcome', 'given', 'outgoing', private.notify_user(p_user_id, 'staff_given_' || p_role, '{}'));
end
$$;

revoke all on function public.set_staff_role from public, anon, authenticated, service_role;
grant execute on function public.set_staff_role to bot_backend;
comment on function public.set_staff_role is 'Gives a known user a role, or changes it';
