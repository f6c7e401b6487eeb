-- Finds a payment for an admin by our number, else by the number of one of p_providers (a list of provider keys).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     ...private.payment_summary
--     left: numeric                           (what can still be refunded)
--     is_test: boolean
--     order_id: bigint | null
--     renewal_id: bigint | null
--     payer_id: bigint | null                 (the Telegram id that the provider named)
--     user: { telegram_id: bigint, username: text | null, first_name: text, last_name: text | null } | null
--     refunds: [ {
--       id: bigint, status: 'open' | 'done' | 'refused' | 'unknown' | 'failed', amount: numeric, admin_email: text,
--       error: text | null, is_accepted: boolean, at: timestamptz
--     } ]                                     (the last five, newest first)
--   } | null                                  (no such payment)
-- Errors: N0001 not an admin.
create or replace function public.admin_payment(
  p_identifier text, p_admin_email text, p_providers jsonb default '[]'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payment public.payments;
  v_order public.orders;
begin
  perform private.require_admin(p_admin_email);
  if p_identifier ~ '^[0-9]{1,18}$' then
    select p.* into v_payment from public.payments as p where p.id = p_identifier::bigint;
  end if;
  if v_payment.id is null then
    select p.* into v_payment
      from public.payments as p
     where p.provider = any(array(select jsonb_array_elements_text(p_providers)))
       and p.provider_payment_id = p_identifier
     order by p.id desc
     limit 1;
  end if;
  if v_payment.id is null then
    return null;
  end if;
  v_order := private.payment_order(v_payment);
  return private.payment_summary(v_payment) || jsonb_build_object(
    'left', private.refundable_amount(v_payment)::text,
    'is_test', v_payment.is_test,
    'order_id', coalesce(v_payment.order_id, v_order.id),
    'renewal_id', v_payment.renewal_id,
    'payer_id', nullif((v_payment.claims ->> 'telegram_id')::bigint, 0),
    'user', (
      select jsonb_build_object(
          'telegram_id', u.telegram_id, 'username', u.username, 'first_name', u.first_name, 'last_name', u.last_name
        )
        from public.users as u
       where u.id = coalesce(v_payment.user_id, case when v_payment.amount is null then v_order.user_id end)
    ),
    'refunds', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'id', r.id, 'status', r.status, 'amount', r.amount::text, 'admin_email', r.admin_email,
              'error', r.error, 'is_accepted', r.is_accepted, 'at', coalesce(r.decided_at, r.created_at)
            )
            order by r.id desc
          ),
          '[]'::jsonb
        )
        from (
          select e.* from public.refunds as e where e.payment_id = v_payment.id order by e.id desc limit 5
        ) as r
    )
  );
end
$$;

revoke all on function public.admin_payment from public, anon, authenticated, service_role;
grant execute on function public.admin_payment to bot_backend, service_role;
comment on function public.admin_payment is 'Finds a payment for an admin';
