-- Applies a provider's event about a subscription that it charges itself: active, past_due, canceled or ended.
--
-- The renewal of an erased user stays ended; if its subscription still runs at the provider, it is marked to be canceled there
-- (private.save_orphaned_renewal), and the admins get one message about a subscription that began after the erasure. The user
-- gets no message about the end of a renewal whose cancellation was confirmed, nor within two minutes after they canceled it
-- with our button (public.begin_cancel).
--
-- Concurrency: the renewal's row is locked. A repeated status changes nothing, nor do active and past_due while the provider
--   must still cancel the subscription (next_cancel_attempt_at).
-- Locks: renewal.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: M0002 no user has this subscription. Its first payment may arrive later, so the provider must repeat the event.
create or replace function private.change_renewal(p_provider text, p_event jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_status text := substr(p_event ->> 'kind', length('subscription_') + 1);
  v_renewal public.renewals;
  v_is_new_orphan boolean;
begin
  select r.* into v_renewal
    from public.renewals as r
   where r.provider = p_provider and r.provider_subscription_id = p_event ->> 'subscription_id'
     for update;
  if v_renewal.user_id is null then
    v_is_new_orphan := private.save_orphaned_renewal(p_provider, p_event, v_status in ('active', 'past_due'));
    if v_is_new_orphan is null then
      raise exception 'no user has this subscription' using errcode = 'M0002';
    elsif v_is_new_orphan then
      return private.alarm_subscription_problem(p_provider, p_event ->> 'subscription_id', 'erased');
    end if;
    return '[]'::jsonb;
  elsif v_renewal.status = v_status
    or (v_renewal.next_cancel_attempt_at is not null and v_status in ('active', 'past_due'))
  then
    return '[]'::jsonb;
  end if;
  update public.renewals as r
     set status = v_status,
         canceled_at = case v_status
           when 'canceled' then coalesce((p_event ->> 'happened_at')::timestamptz, private.clock())
           when 'ended' then r.canceled_at
         end,
         ended_at = case when v_status = 'ended' then private.clock() end
   where r.id = v_renewal.id;
  if v_status = 'ended' and v_renewal.status = 'canceled' then
    return '[]'::jsonb;  -- the cancellation was confirmed
  elsif v_status in ('canceled', 'ended') and v_renewal.cancel_requested_at > private.clock() - interval '2 minutes' then
    return '[]'::jsonb;  -- the screen of the button shows it
  end if;
  return private.enqueue_user_message(
    v_renewal.user_id,
    v_renewal.bot,
    case
      when v_status = 'ended' and v_renewal.charged_until <= private.clock() then 'renewal_given_up'
      else 'renewal_' || v_status
    end,
    jsonb_build_object(
      'title', private.product_titles(v_renewal.product_key),
      'until', jsonb_build_object(
        'date',
        v_renewal.charged_until + case v_status when 'past_due' then private.grace_period() else interval '0' end
      )
    )
  );
end
$$;

revoke all on function private.change_renewal from public, anon, authenticated, service_role;
comment on function private.change_renewal is 'Applies a provider''s event about a subscription';
