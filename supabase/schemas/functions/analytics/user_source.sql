-- Returns how a user came: referral (brought by another user) or direct; unknown of an erased user.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text
-- Errors: none.
create or replace function private.user_source(p_user_id bigint)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_user_id is null then 'unknown'
    when exists (select from public.user_referrals as r where r.referred_id = p_user_id) then 'referral'
    else 'direct'
  end;
$$;

revoke all on function private.user_source from public, anon, authenticated, service_role;
comment on function private.user_source is 'Returns how a user came';
