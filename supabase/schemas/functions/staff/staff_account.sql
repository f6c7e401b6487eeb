-- Returns the account under which a user acts in a role, for functions that take an account.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   account: text | null       (null: the user's role does not allow it)
-- Errors: none.
create or replace function public.staff_account(p_user_id bigint, p_role text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object('account', case
    when private.role_includes(private.staff_role(p_user_id), p_role) then private.account_name(p_user_id)
  end);
end
$$;

revoke all on function public.staff_account from public, anon, authenticated, service_role;
grant execute on function public.staff_account to bot_backend;
comment on function public.staff_account is 'The account under which a user acts in a role';
