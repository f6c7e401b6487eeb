-- Locks the discount for a user's next one-off purchase, so that it is bound to one order at a time.
--
-- Concurrency: waits for the transaction that has the lock, then searches again, because the discount may have been used by
--   then.
-- Locks: discount, before the orders that have it (as private.lock_payers).
-- Returns: public.promocode_usages, see private.find_discount.
-- Errors: none.
create or replace function private.lock_discount(p_user_id bigint)
returns public.promocode_usages
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_discount public.promocode_usages := private.find_discount(p_user_id);
begin
  loop
    exit when v_discount.promocode_id is null;
    perform
      from public.promocode_usages as u
     where u.promocode_id = v_discount.promocode_id and u.user_id = p_user_id and u.consumed_at is null
       for update;
    exit when found;
    v_discount := private.find_discount(p_user_id);
  end loop;
  return v_discount;
end
$$;

revoke all on function private.lock_discount from public, anon, authenticated, service_role;
comment on function private.lock_discount is 'Locks the discount for a user''s next one-off purchase';
