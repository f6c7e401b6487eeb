-- Finds the recipient of messages about a payment, the bot to send them in, and what was bought. For a payment without an
-- order, or for another user's order, the recipient is the payer if the provider reports them (Telegram); the bot is then the
-- one that the user used last.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: (user_id, bot, product_key, amount, currency): user_id and bot are null if no recipient is known; the product, amount
--   and currency of the order are null without an order.
-- Errors: none.
create or replace function private.find_payer(
  p_payment public.payments, out user_id bigint, out bot text, out product_key text, out amount numeric,
  out currency text
)
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  select b.product_key, b.bot, b.amount, b.currency into product_key, bot, amount, currency
    from (
      select o.product_key, o.bot, o.amount, o.currency from public.orders as o where o.id = p_payment.order_id
      union all
      select r.product_key, r.bot, r.amount, r.currency
        from public.renewals as r
       where r.id = p_payment.renewal_id and p_payment.order_id is null
    ) as b;
  user_id := p_payment.user_id;
  if p_payment.problem in ('no_order', 'owner') then
    select u.id into user_id
      from public.users as u
     where u.telegram_id = nullif((p_payment.claims ->> 'telegram_id')::bigint, 0);
  end if;
  if bot is null then
    select s.bot into bot
      from public.bot_sessions as s
     where s.user_id = find_payer.user_id
     order by s.updated_at desc
     limit 1;
  end if;
end
$$;

revoke all on function private.find_payer from public, anon, authenticated, service_role;
comment on function private.find_payer is 'Recipient of messages about a payment, bot and product';
