-- Removes everything personal from payments: the saved payment method, the provider's id of the payer, the payer's
-- Telegram id (0 from now on, so that money of another person is not attributed to the owner of the order), and a
-- provider's reason to refuse a refund.
--
-- Concurrency: idempotent.
-- Locks: payments, then refunds.
-- Returns: void
-- Errors: none.
create or replace function private.anonymize_payments(p_ids bigint[])
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.payments as p
     set saved_method = null,
         claims = p.claims - 'payer' || case when p.claims ? 'telegram_id' then '{"telegram_id": 0}' else '{}' end::jsonb
   where p.id = any(p_ids);
  update public.refunds as r set error = null where r.payment_id = any(p_ids) and r.error is not null;
$$;

revoke all on function private.anonymize_payments from public, anon, authenticated, service_role;
comment on function private.anonymize_payments is 'Removes everything personal from payments';
