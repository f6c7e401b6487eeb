-- Prodamus phone.

-- Applies one thing that happened (shared/payments/notice.py) to the payment it is about.
--
-- Twice or at once: the payment's row is made once and locked; what moved is kept by its own number, so a repetition
--   changes no sum. A dispute that was decided and a refund that failed stay so, whatever comes later.
-- Returns: jsonb array of the messages that are owed now.
-- Errors: none of its own.
create or replace function private.apply_payment_notice(p_provider text, p_notice jsonb, p_accept_test boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_kind text := p_notice ->> 'kind';
  v_payment public.payments;
  v_outgoing jsonb := '[]'::jsonb;
begin
  if v_kind = 'other' then
    return v_outgoing;
  elsif v_kind like 'subscription\_%' then
    return private.change_renewal(p_provider, p_notice);
  elsif p_notice ->> 'payment_id' is null then
    -- An attempt that never became a charge: only the order can hear of it.
    return private.note_order_trouble(p_provider, p_notice);
  end if;

  insert into public.payments as p (provider, provider_payment_id)
  values (p_provider, p_notice ->> 'payment_id')
  on conflict (provider, provider_payment_id) do nothing;
  select p.* into v_payment
    from public.payments as p
   where p.provider = p_provider and p.provider_payment_id = p_notice ->> 'payment_id'
     for update;
  update public.payments as p
     set currency = coalesce(p.currency, case when v_kind = 'paid' then p_notice ->> 'currency' end),
         has_failed = p.has_failed or v_kind = 'failed',
         is_canceled = p.is_canceled or v_kind = 'canceled',
         is_test = p.is_test or coalesce((p_notice ->> 'is_test')::boolean, false),
         saved_method = coalesce(p_notice ->> 'saved_method', p.saved_method),
         claims = p.claims || jsonb_strip_nulls(
           jsonb_build_object(
             'order_id', p_notice -> 'order_id',
             'subscription_id', p_notice -> 'subscription_id',
             -- Who paid is told once: 0 of somebody who was erased stays.
             'telegram_id', coalesce(p.claims -> 'telegram_id', p_notice -> 'telegram_id'),
             'payer', case when v_kind = 'paid' then p_notice -> 'payer' end
           )
         )
   where p.id = v_payment.id;
  if v_kind in ('paid', 'refunded', 'refund_failed', 'disputed', 'dispute_won', 'dispute_lost') then
    perform private.keep_operation(v_payment.id, p_notice);
  end if;
  return private.settle_payment(v_payment.id, p_accept_test);
end
$$;

revoke all on function private.apply_payment_notice from public, anon, authenticated;
comment on function private.apply_payment_notice is 'Applies one thing that happened to the payment it is about';

-- Takes everything personal out of payment events. What stays lets a repetition be recognised; of an event that still
-- waits to be applied also what happened to the money.
--
-- Twice or at once: emptied once, it stays empty.
-- Returns: nothing.
-- Errors: none.
create or replace function private.strip_events(p_ids bigint[])
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  update public.payment_events as e
     set user_id = null,
         body = '',
         error = null,
         notices = case
           when e.processed_at is not null then '[]'
           else (
             select coalesce(
                 jsonb_agg(
                   n.value - array['saved_method', 'payer', 'reason']
                   -- Somebody, and nobody of those who are here.
                   || case when n.value ? 'telegram_id' then '{"telegram_id": 0}' else '{}' end::jsonb
                   order by n.position
                 ),
                 '[]'
               )
               from jsonb_array_elements(e.notices) with ordinality as n (value, position)
           )
         end
   where e.id = any(p_ids);
$$;

revoke all on function private.strip_events from public, anon, authenticated;
comment on function private.strip_events is 'Takes everything personal out of payment events';

-- Takes everything personal out of payments: with what a next one could be charged, by what the provider knows the payer,
-- and who paid (0 from now on, so that money of another person does not become the owner's).
--
-- Twice or at once: emptied once, it stays empty.
-- Returns: nothing.
-- Errors: none.
create or replace function private.strip_payments(p_ids bigint[])
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  update public.payments as p
     set saved_method = null,
         claims = p.claims - 'payer' || case when p.claims ? 'telegram_id' then '{"telegram_id": 0}' else '{}' end::jsonb
   where p.id = any(p_ids);
$$;

revoke all on function private.strip_payments from public, anon, authenticated;
comment on function private.strip_payments is 'Takes everything personal out of payments';

-- What a person has of time that was bought, and what renews it.
--
-- Twice or at once: only reads.
-- Returns: json {plan, ends_at, renewals: [{id, texts, provider, provider_subscription_id, status, amount, currency,
--   charged_until, payment_id, payer}]}; payment_id is its last charge, payer by what the provider knows who pays, where
--   it has no number for them; renewals are those that are not over, the newest first.
-- Errors: none.
create or replace function public.subscription_overview(p_user_id bigint)
returns json
language sql
volatile
security definer
set search_path = ''
as $$
  select json_build_object(
    'plan', private.plan_of(p_user_id) ->> 'plan',
    'ends_at', private.plan_of(p_user_id) ->> 'ends_at',
    'renewals', coalesce(
      (
        select json_agg(
            json_build_object(
              'id', r.id,
              'texts', p.texts,
              'provider', r.provider,
              'provider_subscription_id', r.provider_subscription_id,
              'status', r.status,
              'amount', r.amount::text,
              'currency', r.currency,
              'charged_until', r.charged_until,
              'payment_id', l.provider_payment_id,
              'payer', l.claims ->> 'payer'
            )
            order by r.id desc
          )
          from public.renewals as r
          join public.products as p on p.key = r.product_key
          left join lateral (
            select y.provider_payment_id, y.claims
              from public.payments as y
             where y.renewal_id = r.id
                or (
                  y.user_id = p_user_id
                  and y.provider = r.provider
                  and y.claims ->> 'subscription_id' = r.provider_subscription_id
                )
             order by y.id desc
             limit 1
          ) as l on true
         where r.user_id = p_user_id and r.status <> 'ended'
      ),
      '[]'
    )
  );
$$;

revoke all on function public.subscription_overview from public, anon, authenticated;
grant execute on function public.subscription_overview to bot_backend, service_role;
comment on function public.subscription_overview is 'What a person has of time that was bought, and what renews it';

comment on column public.payments.claims is 'What the provider said whose it is: order_id, subscription_id, telegram_id (0: somebody who is erased), payer (by what the provider knows them)';
