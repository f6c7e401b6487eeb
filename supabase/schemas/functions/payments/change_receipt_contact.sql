-- Changes the e-mail address or phone number that receives the receipts of a user's renewals that have not ended: in the orders
-- that began them, from which the orders of later periods copy it (private.order_of_period), and in pending orders of a period.
--
-- Concurrency: the last call counts. The user's lock keeps an erasure from running in between, which would leave the new
--   contact behind.
-- Locks: user (KEY SHARE), then the orders by id.
-- Returns: void
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
           -- The order that began the renewal.
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
comment on function public.change_receipt_contact is 'Changes the receipt contact of a user''s renewals';
