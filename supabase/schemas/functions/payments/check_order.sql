-- Answers a provider's precheck: may this user pay this order now? Called for providers that ask before they charge.
--
-- Concurrency: read-only. The payment itself is checked again when it is recorded (private.claim_payment).
-- Locks: none.
-- Returns: jsonb
--   'ok'                   (also for the first order of a subscription where a period may be due or it is canceled: some
--                          providers ask for each period)
--     | 'unknown'          (no such order)
--     | 'owner'            (another user's order)
--     | 'amount'           (amount or currency are missing or not those of the order)
--     | 'paid'             (paid, or the first order of a subscription that runs: a second one cannot begin with it)
--     | 'renewing'         (ordered before the running subscription began: the user was not asked about replacing it)
--     | 'expired'          (also the order of an erased user, or one whose discount another order has now)
-- Errors: none.
create or replace function public.check_order(
  p_provider text, p_order_id bigint, p_telegram_id bigint, p_amount numeric, p_currency text
)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select to_jsonb(coalesce(
    (
      select case
          when o.user_id is null then 'expired'
          when p_telegram_id is not null and u.telegram_id is distinct from p_telegram_id then 'owner'
          when o.currency is distinct from p_currency or o.amount is distinct from p_amount then 'amount'
          when o.status = 'completed' and not (o.renews and private.is_period_due(o)) then 'paid'
          when o.status = 'canceled' or (o.status = 'pending' and o.expires_at <= private.clock()) then 'expired'
          when private.is_discount_gone(o) then 'expired'
          when o.status = 'pending' and o.renews and exists (
            select from public.renewals as r
             where r.user_id = o.user_id and r.status in ('active', 'past_due') and r.created_at > o.created_at
          ) then 'renewing'
          else 'ok'
        end
        from public.orders as o
        left join public.users as u on u.id = o.user_id
       where o.id = p_order_id and o.provider = p_provider
    ),
    'unknown'
  ));
$$;

revoke all on function public.check_order from public, anon, authenticated, service_role;
grant execute on function public.check_order to bot_backend;
comment on function public.check_order is 'Answers a provider''s precheck of an order';
