-- Tells the admins about money that somebody must look at.
--
-- Twice or at once: the caller asks once for each trouble of a payment.
-- Returns: see private.tell_person, one for each admin who ever wrote to a bot.
-- Errors: none.
create or replace function private.alarm_about(p_payment public.payments, p_trouble text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(t.message), '[]')
      from public.admins as a
      join public.users as u on u.telegram_id = a.telegram_id
      cross join lateral (
        select coalesce(
          (select o.bot from public.orders as o where o.id = p_payment.order_id),
          (select s.bot from public.bot_sessions as s where s.user_id = u.id order by s.updated_at desc limit 1)
        ) as bot
      ) as b
      cross join lateral jsonb_array_elements(
        private.tell_person(
          u.id,
          b.bot,
          'payment_alarm_' || p_trouble,
          jsonb_build_object(
            'payment', p_payment.id,
            'provider', p_payment.provider,
            'number', p_payment.provider_payment_id,
            'money', jsonb_build_object('amount', p_payment.amount, 'currency', p_payment.currency)
          )
        )
      ) as t (message)
  );
end
$$;

revoke all on function private.alarm_about from public, anon, authenticated;
comment on function private.alarm_about is 'Tells the admins about money that somebody must look at';
