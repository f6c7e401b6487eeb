-- Decides whether a user who came while the bots took no new users is served by now: the bots take all again, or the user opened
-- a link that lets them in. Invite links of users and of teams do where new users come by invitation; an invitation to the staff
-- always does.
--
-- Concurrency: the change of the user is the same from every call.
-- Locks: the user (NO KEY UPDATE) who is let in.
-- Returns: text, why the user is not served: 'invite' | 'closed'; null: the user is served.
-- Errors: none.
create or replace function private.waiting_gate(p_user public.users, p_text text)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_mode constant text := private.setting('access_mode');
  v_link constant text := substring(p_text from '^/start(?:@\w+)?\s+(\w[\w-]{0,63})$');
begin
  if v_mode = 'open' then
    return null;
  end if;
  if v_link is not null and (
    (v_mode = 'invite' and exists (
      select from public.users as u
       where u.referral_code = lower(substring(v_link from '^ref_(.+)$'))
         and u.id <> p_user.id and not u.is_waiting and u.banned_at is null
    ))
    or (v_mode = 'invite' and exists (select from public.teams as t where t.code = substring(v_link from '^team_(.+)$')))
    or exists (
      select from public.staff_invitations as i
       where i.token_hash = sha256(convert_to(substring(v_link from '^staff_(.+)$'), 'UTF8'))
         and i.accepted_at is null and i.canceled_at is null and i.expires_at > private.clock()
    )
  ) then
    update public.users as u set is_waiting = false where u.id = p_user.id;
    return null;
  end if;
  return v_mode;
end
$$;

revoke all on function private.waiting_gate from public, anon, authenticated, service_role;
comment on function private.waiting_gate is 'Decides whether a user who came while the bots took no new users is served by now';
