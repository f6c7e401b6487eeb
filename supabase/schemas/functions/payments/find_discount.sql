-- Finds the discount for a user's next one-off purchase: the greatest one; the others stay for later purchases.
--
-- Concurrency: read-only. Until something is bought, the order that was created last has the discount.
-- Locks: none.
-- Returns: public.promocode_usages, the row; all its columns are null if there is none.
-- Errors: none.
create or replace function private.find_discount(p_user_id bigint)
returns public.promocode_usages
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select u.*
    from public.promocode_usages as u
   where u.user_id = p_user_id
     and u.percent is not null
     and u.consumed_at is null
     and (u.expires_at is null or u.expires_at > (select private.clock()))
   order by u.percent desc, u.promocode_id
   limit 1;
$$;

revoke all on function private.find_discount from public, anon, authenticated, service_role;
comment on function private.find_discount is 'Finds the discount for a user''s next one-off purchase';
