-- Locks a payment's user against erasure, then the payment.
--
-- Concurrency: the same order as everywhere: the user, then the payment.
-- Locks: user (KEY SHARE), payment.
-- Returns: public.payments, the current row; all its columns are null if there is none.
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
comment on function private.lock_payment is 'Locks a payment and its user';
