-- Locks a payment, its person first, so that nobody erases them in between.
--
-- Twice or at once: in the order in which everybody locks: the person, then the payment.
-- Returns: the row as it is now; null when there is none.
-- Errors: none.
create or replace function private.lock_payment(p_payment_id bigint)
returns public.payments
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payment public.payments;
begin
  perform
    from public.users as u
   where u.id = (select p.user_id from public.payments as p where p.id = p_payment_id)
     for key share;
  select p.* into v_payment from public.payments as p where p.id = p_payment_id for update;
  return v_payment;
end
$$;

revoke all on function private.lock_payment from public, anon, authenticated, service_role;
comment on function private.lock_payment is 'Locks a payment, its person first';
