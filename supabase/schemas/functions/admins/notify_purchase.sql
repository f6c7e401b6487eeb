-- Enqueues a notice of a purchase or renewal for the chat of the setting purchases_chat: product, amount, provider, bot and the
-- number of the payment, nothing about the buyer. Where that chat cannot be reached, the admins get it in private; where the
-- setting is off, there is none. The sweep delivers it, so that the buyer's messages come first.
--
-- Concurrency: every call enqueues one notice; the caller calls once per payment.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.notify_purchase(p_payment public.payments, p_product_key text, p_bot text)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_key constant text := case when p_payment.renewal_id is null then 'admin_purchase' else 'admin_purchase_renewed' end;
  v_values jsonb;
  v_messages jsonb;
begin
  if coalesce(private.setting('purchases_chat'), 'off') = 'off' then
    return;
  end if;
  v_values := jsonb_build_object(
    'title', private.product_titles(p_product_key),
    'payment', p_payment.id,
    'provider', jsonb_build_object('provider', p_payment.provider),
    'money', jsonb_build_object('amount', p_payment.amount, 'currency', p_payment.currency),
    'bot', p_bot
  );
  v_messages := private.enqueue_chat_message('purchases_chat', v_key, v_values, null, p_bot);
  if v_messages = '[]' then
    v_messages := private.notify_each_admin(v_key, v_values, null, p_bot);
  end if;
  update public.telegram_outbox as o
     set send_after = private.clock()
    from jsonb_array_elements(v_messages) as m (value)
   where o.id = (m.value ->> 'id')::bigint;
end
$$;

revoke all on function private.notify_purchase from public, anon, authenticated, service_role;
comment on function private.notify_purchase is 'Enqueues a notice of a purchase for the admins';
