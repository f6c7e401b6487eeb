-- Takes a person out of what is kept of their money. Accounting keeps orders, payments and what was given for them; by
-- their foreign keys they belong to nobody once the person's row is deleted.
--
-- Twice or at once: the caller holds the person alone, and whoever changes money of theirs holds them first
--   (private.lock_payers): nobody changes anything of it now.
-- Returns: nothing.
-- Errors: Y0002, a renewal is running: the provider would go on charging somebody whom we no longer know.
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
  -- Whose the others are only their text may tell.
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
comment on function private.anonymize_payment_data is 'Takes a person out of what is kept of their money';
