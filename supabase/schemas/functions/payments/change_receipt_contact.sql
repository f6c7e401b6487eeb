-- Sends the receipts of a user's running renewals to another e-mail address or phone number.
--
-- Twice or at once: the last call counts. The user is locked against an erasure in between; orders are locked by number.
-- Returns: nothing.
-- Errors: none.
create or replace function public.change_receipt_contact(p_user_id bigint, p_contact text)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select from public.users as u where u.id = p_user_id for key share;
  update public.orders as o
     set contact = p_contact
    from (
      select w.id
        from public.orders as w
       where w.user_id = p_user_id
         and w.contact is not null
         and (
           -- The orders of its periods take theirs from the first one (private.order_of_period).
           w.id in (
             select nullif(split_part(r.provider_subscription_id, 'order:', 2), '')::bigint
               from public.renewals as r
              where r.user_id = p_user_id and r.status <> 'ended'
           )
           or w.status = 'pending' and w.renewal_id in (
             select r.id from public.renewals as r where r.user_id = p_user_id and r.status <> 'ended'
           )
         )
       order by w.id
         for update
    ) as w
   where o.id = w.id;
$$;

revoke all on function public.change_receipt_contact from public, anon, authenticated, service_role;
grant execute on function public.change_receipt_contact to bot_backend;
comment on function public.change_receipt_contact is 'Sends the receipts of running renewals elsewhere';
