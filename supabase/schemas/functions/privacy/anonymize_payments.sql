-- Takes everything personal out of payments: with what a next one could be charged, by what the provider knows the payer,
-- and who paid (0 from now on, so that money of another person does not become the owner's); and what a provider said when
-- it refused to give it back.
--
-- Twice or at once: emptied once, it stays empty.
-- Returns: nothing.
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
comment on function private.anonymize_payments is 'Takes everything personal out of payments';
