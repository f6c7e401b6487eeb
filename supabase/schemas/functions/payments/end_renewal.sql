-- Ends a renewal that we charge ourselves: deletes the saved payment method and cancels the pending orders. p_key: text of the
-- message to the user; null: no message.
--
-- Concurrency: the caller holds the renewal's lock. An order that another transaction has locked is skipped: a payment for it
--   may just be recorded; otherwise it expires.
-- Locks: renewal (held by the caller), then its pending orders (SKIP LOCKED).
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.end_renewal(p_renewal public.renewals, p_key text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.renewals as r
     set status = 'ended',
         ended_at = private.clock(),
         saved_method = null,
         charge_at = null,
         attempt_started_at = null,
         lease_until = null
   where r.id = p_renewal.id;
  perform private.cancel_renewal_orders(p_renewal.id);
  if p_key is null then
    return '[]'::jsonb;
  end if;
  return private.enqueue_user_message(
    p_renewal.user_id,
    p_renewal.bot,
    p_key,
    jsonb_build_object(
      'title', private.product_titles(p_renewal.product_key),
      'until', jsonb_build_object('date', p_renewal.charged_until)
    )
  );
end
$$;

revoke all on function private.end_renewal from public, anon, authenticated, service_role;
comment on function private.end_renewal is 'Ends a renewal that we charge ourselves';
