-- Records whether a provider canceled a subscription, of an erased user or replaced by another renewal. Until it has, the
-- provider is asked again (public.claim_renewals_to_cancel); after the third failure the admins get one message.
--
-- Concurrency: the renewal's row is locked; a canceled subscription stays so.
-- Locks: renewal.
-- Returns: jsonb
--   outgoing: outgoing
-- Errors: none.
create or replace function public.record_cancel_result(p_renewal_id bigint, p_is_canceled boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_renewal public.renewals;
begin
  select r.* into v_renewal from public.renewals as r where r.id = p_renewal_id for update;
  if p_is_canceled then
    update public.renewals as r
       set next_cancel_attempt_at = null, cancel_attempts = 0, payer = null
     where r.id = v_renewal.id;
  elsif v_renewal.next_cancel_attempt_at is not null and v_renewal.cancel_attempts = 3 then
    return jsonb_build_object(
      'outgoing',
      private.alarm_subscription_problem(v_renewal.provider, v_renewal.provider_subscription_id, 'running')
    );
  end if;
  return jsonb_build_object('outgoing', '[]'::jsonb);
end
$$;

revoke all on function public.record_cancel_result from public, anon, authenticated, service_role;
grant execute on function public.record_cancel_result to bot_backend;
comment on function public.record_cancel_result is 'Records whether a provider canceled a subscription';
