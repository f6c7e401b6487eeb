-- Anonymizes what accounting keeps of a user's payments. Deleting the user's row then sets user_id to null through
-- the foreign keys.
--
-- Concurrency: the caller has locked the user exclusively, and functions that change payments lock their users first
--   (private.lock_payers), so nothing changes these rows now.
-- Locks: the user's renewals (FOR UPDATE) by id, payment events, payments, refunds, orders.
-- Returns: void
-- Errors: Y0002, a renewal is running: the provider would go on charging a customer who is no longer known here.
create or replace function private.anonymize_payment_data(p_user public.users)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.renewals as r where r.user_id = p_user.id order by r.id for update;
  if exists (
    select from public.renewals as r where r.user_id = p_user.id and r.status in ('active', 'past_due')
  ) then
    raise exception 'a renewal is running' using errcode = 'Y0002';
  end if;
  update public.renewals as r
     set status = 'ended',
         ended_at = coalesce(r.ended_at, private.clock()),
         saved_method = null,
         charge_at = null,
         attempt_started_at = null,
         lease_until = null,
         payer = null
   where r.user_id = p_user.id;

  perform private.anonymize_payment_events(array(select e.id from public.payment_events as e where e.user_id = p_user.id));
  -- Events without a user: search their bodies for the user's Telegram id and receipt contacts.
  perform private.anonymize_payment_events(
    array(
      select e.id
        from public.payment_events as e
       where e.user_id is null
         and e.body <> ''
         and exists (
           select
             from (
               select p_user.telegram_id::text as word
               union all
               select o.contact from public.orders as o where o.user_id = p_user.id
             ) as w
            where strpos(e.body, w.word) > 0 or strpos(e.body, replace(w.word, '@', '%40')) > 0
         )
    )
  );
  perform private.anonymize_payments(
    array(
      select p.id from public.payments as p where p.user_id = p_user.id
      union
      select p.id from public.payments as p where p.claims ->> 'telegram_id' = p_user.telegram_id::text
    )
  );
  update public.orders as o
     set status = case o.status when 'pending' then 'canceled' else o.status end,
         contact = null,
         checkout_url = null,
         checkout_reference = null,
         message_ids = null
   where o.user_id = p_user.id;
end
$$;

revoke all on function private.anonymize_payment_data from public, anon, authenticated, service_role;
comment on function private.anonymize_payment_data is 'Anonymizes what accounting keeps of a user''s payments';
