-- Says whether a person may pay an order now: for providers that ask before they take the money.
--
-- Twice or at once: only reads.
-- Returns: jsonb, a word: ok | unknown | owner | amount | paid | renewing | expired. The first order of a subscription is ok again
--   where a period may be due, or once it is canceled: some providers ask for each period. While it runs it is paid, so a second
--   subscription cannot begin with it. One more subscription, ordered before another one began, is renewing: nobody asked the
--   user about that. An order of an erased user, or whose discount another order has now, is expired. Without an amount or a
--   currency the answer is amount: what is not said is not what we asked for.
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
comment on function public.check_order is 'Whether a person may pay an order now';
