-- Links a webhook event to the user that it concerns, the payer before the buyer. If that user has been erased, the event and
-- its payments are anonymized instead. The body of an event that concerns no user and contains only events of kind other is
-- deleted.
--
-- Concurrency: the caller holds the event's lock; a repetition finds the same user.
-- Locks: event (held by the caller), payments, refunds.
-- Returns: void
-- Errors: none.
create or replace function private.link_event_to_users(p_event_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_event public.payment_events;
  v_user_id bigint;
begin
  select e.* into v_event from public.payment_events as e where e.id = p_event_id;
  select p.user_id into v_user_id
    from private.users_of_event(v_event.provider, v_event.events) as p
   order by p.user_id is null, p.is_payer desc
   limit 1;
  if v_user_id is not null then
    update public.payment_events as e set user_id = v_user_id where e.id = p_event_id;
  elsif found then
    perform private.anonymize_payments(
      array(
        select p.id
          from public.payments as p
         where p.provider = v_event.provider
           and p.provider_payment_id = any(
             array(select n.value ->> 'payment_id' from jsonb_array_elements(v_event.events) as n)
           )
      )
    );
    perform private.anonymize_payment_events(array[p_event_id]);
  elsif v_event.events <> '[]'
    and not exists (select from jsonb_array_elements(v_event.events) as n where n.value ->> 'kind' <> 'other')
  then
    update public.payment_events as e set body = '' where e.id = p_event_id;
  end if;
end
$$;

revoke all on function private.link_event_to_users from public, anon, authenticated, service_role;
comment on function private.link_event_to_users is 'Links a webhook event to the user that it concerns';
