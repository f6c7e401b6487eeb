-- Locks the discount that a person's next one-off purchase has, so that it is bound to one order at a time.
--
-- Twice or at once: waits for whoever has it, and looks again: it may be used up by then. Its row is locked before the
--   orders that have it (private.lock_payers does the same).
-- Returns: see private.discount_of.
-- Errors: none.
create or replace function private.lock_discount(p_user_id bigint)
returns public.promocode_usages
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_discount public.promocode_usages := private.discount_of(p_user_id);
begin
  loop
    exit when v_discount.promocode_id is null;
    perform
      from public.promocode_usages as u
     where u.promocode_id = v_discount.promocode_id and u.user_id = p_user_id and u.consumed_at is null
       for update;
    exit when found;
    v_discount := private.discount_of(p_user_id);
  end loop;
  return v_discount;
end
$$;

revoke all on function private.lock_discount from public, anon, authenticated, service_role;
comment on function private.lock_discount is 'Locks the discount that a person''s next purchase has';
