-- Returns whether a user may use p_quantity of what is paid for. For our own code and, through rpc with the secret
-- key, for every other service of the same owner.
--
-- Concurrency: read-only. The answer may be outdated a moment later: public.consume_access checks and takes in one
--   transaction.
-- Locks: none.
-- Returns: jsonb
--   ...private.resolve_access   (an unknown user has no access)
-- Errors: Z0002, the quantity is invalid.
create or replace function public.check_access(p_telegram_id bigint, p_quantity integer default 1)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
begin
  if coalesce(p_quantity, 0) not between 1 and 1000000 then
    raise exception 'the quantity must be between 1 and 1000000' using errcode = 'Z0002';
  end if;
  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id;
  return private.resolve_access(v_user, p_quantity);
end
$$;

revoke all on function public.check_access from public, anon, authenticated, service_role;
grant execute on function public.check_access to bot_backend, service_role;
comment on function public.check_access is 'Returns whether a user may use what is paid for';
